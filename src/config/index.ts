export { type BlockedPattern, compileBlockedPattern } from './blocked.ts';
export { configErrors } from './errors.ts';
export type { ConfigFindingCode, Parsed } from './faults.ts';
export type {
  AdditionalImage,
  DeleteImageSet,
  HelmChart,
  HelmRepository,
  HelmSelection,
  ImageSet,
  LoadedDeleteImageSet,
  LoadedImageSet,
  MirrorContent,
  OperatorCatalog,
  OperatorChannel,
  OperatorPackage,
  PlatformSelection,
  ReleaseChannel,
} from './image-set.ts';
export { parseDeleteImageSet, parseImageSet } from './image-set-parse.ts';
export { formatFinding, loadDeleteImageSet, loadImageSet } from './load.ts';
export { type MirrorReference, type MirrorReferenceFault, parseMirrorReference } from './mirror-reference.ts';
export { compareVersions, findLenientVersion, findStrictVersion, type Version } from './version.ts';
