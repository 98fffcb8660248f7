/**
 * An esbuild plugin that leaves native modules out: ssh2 (which dockerode brings for Docker over SSH, and Airlock does not use) tries its own
 * and cpu-features, and does without them when they cannot be loaded.
 */
export function stubNativeModules() {
  return {
    name: 'stub-native-modules',
    setup(build) {
      build.onResolve({ filter: /\.node$|^cpu-features$/ }, ({ path }) => ({ path, namespace: 'native' }));
      build.onLoad({ filter: /.*/, namespace: 'native' }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(`${path} is not part of the packaged tool`)});`,
        loader: 'js',
      }));
    },
  };
}
