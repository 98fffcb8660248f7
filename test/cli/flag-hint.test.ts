import { expect, test } from 'vitest';
import { withFlagHint } from '../../src/cli/flag-hint.ts';
import { AirlockError } from '../../src/core/errors.ts';

const flags = { output: 'text', destCaFile: 'certs/ca.pem', key: '/keys/site.pem', yes: true };

test.each([
  ['/srv/certs/ca.pem does not exist', 'correct --dest-ca-file, which names it'],
  ['/keys/site.pem does not exist', 'correct --key, which names it'],
  ['/keys/other.pem does not exist', undefined],
])('of %s the next step is %s', (message, hint) => {
  const error = withFlagHint(new AirlockError('FILE_NOT_FOUND', message), flags, '/srv') as AirlockError;
  expect(error).toMatchObject({ code: 'FILE_NOT_FOUND', message });
  expect(error.hint).toBe(hint);
});

test('other errors, and those with a next step of their own, stay as they are', () => {
  const message = '/keys/site.pem does not exist';
  for (const error of [
    new AirlockError('FILE_NOT_FOUND', message, { hint: 'make one' }),
    new AirlockError('USAGE', message),
    new Error(message),
  ])
    expect(withFlagHint(error, flags, '/srv')).toBe(error);
});
