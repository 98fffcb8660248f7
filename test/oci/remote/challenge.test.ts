import { describe, expect, test } from 'vitest';
import { parseChallenges } from '../../../src/oci/remote/challenge.ts';

describe('parseChallenges', () => {
  test.each([
    [
      'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull,push"',
      [
        {
          scheme: 'bearer',
          params: { realm: 'https://auth.example.com/token', service: 'registry', scope: 'repository:a/b:pull,push' },
        },
      ],
    ],
    ['Basic realm="kitchen"', [{ scheme: 'basic', params: { realm: 'kitchen' } }]],
    ['Basic realm=kitchen', [{ scheme: 'basic', params: { realm: 'kitchen' } }]],
    [
      'Basic realm="a, b", Bearer realm="c" , service="d"',
      [
        { scheme: 'basic', params: { realm: 'a, b' } },
        { scheme: 'bearer', params: { realm: 'c', service: 'd' } },
      ],
    ],
    [
      'Negotiate, Basic Realm="x"',
      [
        { scheme: 'negotiate', params: {} },
        { scheme: 'basic', params: { realm: 'x' } },
      ],
    ],
    ['Bearer realm="say \\"hi\\""', [{ scheme: 'bearer', params: { realm: 'say "hi"' } }]],
    ['', []],
    ['=', []],
    ['realm="x"', []],
  ])('%s', (header, expected) => {
    expect(parseChallenges(header)).toEqual(expected);
  });
});
