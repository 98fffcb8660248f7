export {
  type AccessEntry,
  type EmbeddedRegistry,
  type EmbeddedRegistryOptions,
  type ListenAddress,
  startEmbeddedRegistry,
  type TlsPair,
} from './embedded/server.ts';
export { registryErrors } from './errors.ts';
export { generatePassword, type Htpasswd, parseHtpasswd, renderHtpasswd } from './htpasswd.ts';
