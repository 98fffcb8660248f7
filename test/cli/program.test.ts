import { describe, expect, test } from 'vitest';
import type { CommandSpec } from '../../src/cli/command.ts';
import { commandTable } from '../../src/cli/commands/table.ts';
import { parseBoolean, parseCount } from '../../src/cli/options.ts';
import { parseCommandLine } from '../../src/cli/program.ts';

const parse = (...argv: string[]) => parseCommandLine(argv, commandTable, '1.2.3');

describe('the command line', () => {
  test('gives arguments and flags of a command', async () => {
    const parsed = await parse(
      'build',
      '-c',
      'imageset.yaml',
      'out',
      '--src-tls-verify=false',
      '--parallel-layers',
      '3',
      '--no-progress',
    );
    expect(parsed).toMatchObject({ kind: 'run', spec: { name: 'build' }, args: ['out'] });
    expect(parsed.kind === 'run' && parsed.flags).toMatchObject({
      config: 'imageset.yaml',
      srcTlsVerify: false,
      parallelLayers: 3,
      progress: false,
      retryTimes: 5,
    });
  });

  test('knows commands of two words', async () => {
    const parsed = await parse('registry', 'serve', '--storage', 'data', '--listen', '[::1]:5001');
    expect(parsed).toMatchObject({
      kind: 'run',
      spec: { name: 'registry serve' },
      flags: { storage: 'data', listen: '[::1]:5001' },
    });
  });

  test('takes flags from AIRLOCK_ variables', async () => {
    process.env['AIRLOCK_PARALLEL_LAYERS'] = '7';
    try {
      expect(await parse('plan', '-c', 'x.yaml')).toMatchObject({ flags: { parallelLayers: 7 } });
    } finally {
      delete process.env['AIRLOCK_PARALLEL_LAYERS'];
    }
  });

  test.each([
    ['an unknown command', ['bulid']],
    ['an unknown flag', ['build', '--nosuch']],
    ['a value that is none of the choices', ['plan', '-o', 'xml']],
    ['a number out of range', ['build', '--parallel-layers', '0']],
    ['a missing argument', ['verify']],
    ['no command', []],
  ])('ends with 2 and says why on standard error for %s', async (_, argv) => {
    const parsed = await parse(...argv);
    expect(parsed).toMatchObject({ kind: 'print', exitCode: 2, toError: true });
    expect(parsed.kind === 'print' && parsed.text.length).toBeGreaterThan(10);
  });

  test('prints help of every command on standard output', async () => {
    for (const spec of commandTable) {
      const parsed = await parse(...spec.name.split(' '), '--help');
      expect(parsed, spec.name).toMatchObject({ kind: 'print', exitCode: 0, toError: false });
      // Help wraps at the width of a terminal.
      expect(parsed.kind === 'print' && parsed.text.replace(/\s+/g, ' ')).toContain(spec.summary);
      expect(parsed.kind === 'print' && parsed.text).toContain('Examples:');
    }
  });

  test('prints the version', async () => {
    expect(await parse('--version')).toMatchObject({ kind: 'print', text: '1.2.3\n', exitCode: 0 });
  });
});

describe('the command table', () => {
  test('names each command once, with summary and examples that parse', async () => {
    const names = commandTable.map((spec: CommandSpec) => spec.name);
    expect(new Set(names).size).toBe(names.length);
    for (const spec of commandTable) {
      for (const example of spec.examples) {
        const parsed = await parse(...example.split(/\s+/).slice(1));
        expect(parsed.kind, example).toBe('run');
      }
    }
  });
});

describe('flag values', () => {
  test.each([
    ['true', true],
    ['1', true],
    ['no', false],
    ['FALSE', false],
  ])('reads %s as %s', (text, value) => {
    expect(parseBoolean(text)).toBe(value);
  });
  test('refuses a boolean that is none', () => {
    expect(() => parseBoolean('maybe')).toThrow(/neither true nor false/);
  });
  test('refuses a count with a fraction', () => {
    expect(() => parseCount(1, 10)('2.5')).toThrow(/whole number from 1 to 10/);
  });
});
