import path from 'node:path';
import { initFolder } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { userPath } from '../settings.ts';

export async function runInit(invocation: Invocation): Promise<Outcome> {
  const folder = userPath(invocation, argument(invocation, 0) ?? '.');
  const files = await initFolder(folder, invocation.flags.on('force'), invocation.run);
  const names = files.map((file) => path.relative(invocation.world.cwd, file) || file);
  const text = [
    ...names.map((name) => `wrote ${name}`),
    `next: edit ${names[0]} and ${names[1]}, then airlock lint ${names[0]} ${names[1]}`,
  ].join('\n');
  return { exitCode: exitCodes.done, result: { files }, text };
}
