import { formatBytes } from '../../core/units.ts';
import { exportInventory } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural } from '../render/table.ts';
import { bastionRequest, pathFlag, userPath } from '../settings.ts';

export async function runInventoryExport(invocation: Invocation): Promise<Outcome> {
  const result = await exportInventory(
    {
      ...(await bastionRequest(invocation)),
      file: userPath(invocation, argument(invocation, 0) ?? 'inventory.json'),
      signingKeyFile: pathFlag(invocation, 'signingKey'),
    },
    invocation.run,
  );
  const { generation, keyFingerprint } = result;
  const seal = keyFingerprint === undefined ? 'unsigned' : `signed by the key ${keyFingerprint}`;
  return {
    exitCode: exitCodes.done,
    result,
    text: [
      `${plural(result.blobs, 'blob')} and ${plural(result.files, 'file')} of ${generation ? `generation ${generation.generation} and before` : 'no generation'}, ${seal}`,
      `wrote ${result.file} (${formatBytes(result.sizeBytes)}); carry it back for airlock build --base`,
    ].join('\n'),
  };
}
