export { copyRegistry, copyStorage, type StorageCopy } from './backup.ts';
export { type EmbeddedRegistry, type EmbeddedRegistryOptions, startEmbeddedRegistry } from './embedded/server.ts';
export type { ListenAddress, TlsPair } from './embedded/sockets.ts';
export { registryErrors } from './errors.ts';
export {
  type CollectionOptions,
  type CollectionPlan,
  collectGarbage,
  planCollection,
  type RepositoryLink,
} from './garbage.ts';
export { awaitHealthy, probeRegistry, type RegistryHealth, type RegistryProbe } from './health.ts';
export { generatePassword, type Htpasswd, parseHtpasswd, renderHtpasswd } from './htpasswd.ts';
export { storeLogin } from './login.ts';
export {
  ensureContainer,
  type RegistryContainerOptions,
  registryContainer,
  specLabel,
  withSpecLabel,
} from './podman/container.ts';
export { openEngine } from './podman/dockerode-engine.ts';
export type { ContainerEngine, ContainerMount, ContainerSpec, ContainerState } from './podman/engine.ts';
export { type ArchiveOptions, type ImageArchive, localImageName, openImageArchive } from './podman/image-archive.ts';
export { labelRegistryFolders } from './podman/labels.ts';
export { type EngineSearch, engineSockets, findEngine } from './podman/socket.ts';
export {
  findUnitScope,
  installUnit,
  outdatedRegistryUnit,
  outlivesSession,
  readUnitJournal,
  readUnitState,
  registryUnit,
  removeUnit,
  restartUnit,
  type ServiceUnit,
  type UnitOptions,
  type UnitScope,
} from './podman/systemd.ts';
export { renderQuadlet, renderSystemdUnit } from './podman/units.ts';
export {
  containerPaths,
  generateSecret,
  type RegistryFiles,
  type RegistryFolders,
  type RegistrySettings,
  registryFolders,
  renderRegistryConfig,
  writeRegistryFiles,
} from './settings.ts';
export { removeUser, setPassword } from './users.ts';
