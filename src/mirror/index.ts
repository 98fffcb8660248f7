export { type CollectInput, collectImageSet } from './collect/collect.ts';
export { toStreamArchitecture } from './collect/coreos.ts';
export { type CollectOptions, defaultSignatureUrl, defaultUpdateUrl } from './collect/options.ts';
export { type DeletionResult, executeDeletions } from './delete/execute.ts';
export {
  type DeletionItem,
  isAttached,
  listDeletions,
  parseDeletions,
  renderDeleteSet,
  renderDeletions,
  toImageSet,
} from './delete/list.ts';
export { type LoadedSelection, type LoadedSet, selectLoaded } from './delete/select-loaded.ts';
export { mirrorErrors } from './errors.ts';
export type { HttpAccess } from './http-access.ts';
export { type ImageFileRequest, type KeptImageFile, keepImageFile } from './layer/keep-file.ts';
export { additionalStorageName, digestTag, type ImageName, imageStorageName, parseImageName } from './naming.ts';
export {
  type BinarySearch,
  findOcMirror,
  noOcMirror,
  type OcMirrorBinary,
  openNamedOcMirror,
  openOcMirror,
} from './oc-mirror/binary.ts';
export { describeArchive } from './oc-mirror/describe.ts';
export type { ArchiveContent } from './oc-mirror/description.ts';
export { type CommandSettings, isBefore, places as ocMirrorPlaces, reservedWords } from './oc-mirror/dialect.ts';
export { assertFolder, type FolderOptions, keepCatalogs, prepareFolder } from './oc-mirror/folder.ts';
export { judgeEnd, type OcMirrorVerdict } from './oc-mirror/judge.ts';
export { describeMirrored } from './oc-mirror/mirrored.ts';
export { type OcMirrorEnd, type OcMirrorJob, runOcMirror } from './oc-mirror/run.ts';
export { redHatReleaseKeys } from './release/red-hat-key.ts';
export { createReleaseSigner, type ReleaseSigner } from './release/sign-release.ts';
