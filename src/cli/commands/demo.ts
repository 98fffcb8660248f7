import path from 'node:path';
import { formatBytes } from '../../core/units.ts';
import { type DemoResult, demo } from '../../workflow/index.ts';
import type { Invocation, Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural } from '../render/table.ts';
import { pathFlag, selfCommand, userPath } from '../settings.ts';
import { renderCheck } from './check.ts';

export async function runDemo(invocation: Invocation): Promise<Outcome> {
  const { flags, world, run } = invocation;
  const folder = pathFlag(invocation, 'dir') ?? userPath(invocation, 'airlock-demo');
  const result = await demo(
    { folder, keep: flags.on('keep'), selfCommand: selfCommand(invocation), homeFolder: world.homeFolder },
    run,
  );
  return { exitCode: result.ready ? exitCodes.done : exitCodes.no, result, text: renderDemo(result, world.cwd) };
}

function renderDemo(result: DemoResult, cwd: string): string {
  const short = (file: string): string => path.relative(cwd, file) || '.';
  const { carried } = result.build.totals;
  const site = short(result.siteFile);
  return [
    '',
    `OpenShift ${result.release} came across the gap.`,
    '',
    `carried   generation ${result.build.generation}: ${plural(carried.images, 'image')}, ${plural(carried.blobs, 'blob')}, ${formatBytes(carried.bytes)} in ${short(result.build.folder)}`,
    `verified  ${formatBytes(result.verifiedBytes)}, every byte`,
    `loaded    ${result.load.generations.map((one) => `${plural(one.placedBlobs, 'blob')}, ${plural(one.placedFiles, 'file')}`).join('; ')} into ${short(result.load.target)}`,
    `services  registry ${result.up.registry.url} (${result.up.registry.mode}), web ${result.up.web.join(' ')}, DNS ${result.up.dns.join(' ')}`,
    `objects   ${plural(result.emit.files.length, 'file')} in ${short(result.emit.folder)} (start with README.md)`,
    `check     ${renderCheck(result.check).split('\n').join('\n          ')}`,
    '',
    result.kept
      ? `The services run on. Look: npx airlock status -f ${site} · npx airlock check -f ${site} · stop them: npx airlock down -f ${site}`
      : `The services are stopped again; all files are in ${short(result.folder)}. To look at them running: npx airlock demo --keep`,
  ].join('\n');
}
