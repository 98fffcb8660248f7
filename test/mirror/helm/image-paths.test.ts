import { describe, expect, test } from 'vitest';
import { findImages } from '../../../src/mirror/helm/image-paths.ts';

const document = {
  spec: {
    containers: [
      { name: 'crane', image: 'registry.example.com/harbour/crane:1' },
      {
        name: 'winch',
        image: 'registry.example.com/harbour/winch:2',
        env: [{ image: 'registry.example.com/harbour/env:5' }],
      },
      { name: 'plain', image: 'registry.example.com/harbour/plain' },
    ],
    hook: { image: 'registry.example.com/harbour/hook@sha256:00' },
  },
  metadata: {
    annotations: {
      'harbour.example/image': 'registry.example.com/harbour/note:3',
      list: 'a.example/x:1 b.example/y:2',
    },
  },
};

/** Last path element of what is found. */
const found = (path: string): string =>
  findImages(document, [path])
    .map((image) => image.slice(image.lastIndexOf('/') + 1))
    .join(' ');

// As kubectl's JSONPath takes them.
describe('findImages', () => {
  test.each<[string, string]>([
    ['{.spec.containers[*].image}', 'crane:1 winch:2'],
    ['.spec.containers[*].image', 'crane:1 winch:2'],
    ['{$.spec.containers[*].image}', 'crane:1 winch:2'],
    ['{.spec.containers.*.image}', 'crane:1 winch:2'],
    ['{.spec.containers[0].image}', 'crane:1'],
    ['{.spec.containers[-2].image}', 'winch:2'],
    ['{.spec.containers[-1].image}', ''],
    ['{.spec.containers[1,0].image}', 'winch:2 crane:1'],
    ['{.spec.containers[0:2].image}', 'crane:1 winch:2'],
    ['{.spec.containers[1:].image}', 'winch:2'],
    ['{.spec.containers[:1].image}', 'crane:1'],
    ['{.spec.containers[?(@.name=="winch")].image}', 'winch:2'],
    ["{.spec.containers[?(@.name!='winch')].image}", 'crane:1'],
    ['{.spec.containers[?(@.env)].image}', 'winch:2'],
    ['{..image}', 'hook@sha256:00 crane:1 winch:2 env:5'],
    ['{.spec..env[*].image}', 'env:5'],
    ["{.metadata.annotations['harbour.example/image']}", 'note:3'],
    ['{.metadata.annotations.harbour\\.example/image}', 'note:3'],
    ['{.metadata.annotations["harbour.example/image","list"]}', 'note:3 x:1 y:2'],
    ['{.spec.hook.image}{.spec.containers[0].image}', 'hook@sha256:00 crane:1'],
    ['{.spec.nothing[*].image}', ''],
    ['{.spec.hook.image.deeper}', ''],
  ])('%s finds %s', (path, expected) => {
    expect(found(path).split(' ').sort()).toEqual(expected.split(' ').sort());
  });

  test.each(['{.spec.containers[}', '{.spec.containers[?(name)]}', '{range .items[*]}', '{.a[b]}'])(
    'refuses %s',
    (path) => {
      expect(() => found(path)).toThrow(expect.objectContaining({ code: 'HELM_PATH_INVALID' }));
    },
  );
});
