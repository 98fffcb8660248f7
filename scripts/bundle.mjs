import { build } from 'esbuild';

/** What all bundles of the sources have in common: Node 20 reads no TypeScript, and one file is read faster than a thousand. */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  // Stacks of bugs, and names of classes, are what the sources say.
  keepNames: true,
  logLevel: 'warning',
  plugins: [stubNativeModules()],
};

/** Bundles entry points into ES modules. @param {import('esbuild').BuildOptions} options what differs */
export function bundleModules(options) {
  return build({
    ...bundleOptions,
    format: 'esm',
    // Bundled CommonJS packages (node-forge) ask for require.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    ...options,
  });
}

/**
 * Leaves native modules out: ssh2 (which dockerode brings for Docker over SSH, and Airlock does not use) tries its own and cpu-features, and
 * does without them when they cannot be loaded.
 */
function stubNativeModules() {
  return {
    name: 'stub-native-modules',
    setup(building) {
      building.onResolve({ filter: /\.node$|^cpu-features$/ }, ({ path }) => ({ path, namespace: 'native' }));
      building.onLoad({ filter: /.*/, namespace: 'native' }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(`${path} is not part of the packaged tool`)});`,
        loader: 'js',
      }));
    },
  };
}
