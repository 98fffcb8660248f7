import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { commandTable } from '../../../src/cli/commands/table.ts';
import { renderCompletion, shells } from '../../../src/cli/render/completion.ts';
import { describeReal } from '../../helpers/real.ts';

const bash = renderCompletion('bash', commandTable);

/** What bash offers for a line; its last word is the one being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const line = words.map((word) => `'${word}'`).join(' ');
  const script = `${bash}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _airlock; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', script]);
  return stdout.split('\n').filter(Boolean);
}

describeReal('completion in bash', ['bash'], () => {
  test('offers commands', async () => {
    expect(await offered('airlock', 'ver')).toEqual(['verify', 'version']);
  });

  test('offers the commands of a group', async () => {
    expect(await offered('airlock', 'registry', 'se')).toEqual(['serve']);
  });

  test('offers flags, also after flags and arguments', async () => {
    expect(await offered('airlock', 'build', '-c', 'isc.yaml', 'out', '--parallel-')).toEqual([
      '--parallel-images',
      '--parallel-layers',
    ]);
    expect(await offered('airlock', 'registry', 'serve', '--st')).toEqual(['--storage']);
  });

  test('offers the choices of a flag', async () => {
    expect(await offered('airlock', 'plan', '-o', '')).toEqual(['text', 'json', 'yaml']);
    expect(await offered('airlock', 'plan', '--log-level', 'd')).toEqual(['debug']);
  });

  test('offers nothing for an argument, so that the shell offers file names', async () => {
    expect(await offered('airlock', 'lint', 'site')).toEqual([]);
  });

  test('offers the shells', async () => {
    expect(await offered('airlock', 'completion', 'z')).toEqual(['zsh']);
  });
});

describe('completion scripts', () => {
  test.each(shells)('name every command and flag: %s', (shell) => {
    const script = renderCompletion(shell, commandTable);
    const words = commandTable.flatMap((spec) => spec.name.split(' '));
    for (const word of [...words, 'parallel-layers', 'powershell']) expect(script).toContain(word);
  });

  test('have no keys that differ in case only, which PowerShell takes for one', () => {
    const keys = [...renderCompletion('powershell', commandTable).matchAll(/^ {4}'([^']*)' =/gm)].map((match) =>
      (match[1] ?? '').toLowerCase(),
    );
    expect(keys.length).toBeGreaterThan(20);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
