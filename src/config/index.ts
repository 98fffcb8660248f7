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
export { type InitFile, type InitOptions, renderInitFiles } from './init.ts';
export { detectKind, lintConfigFile } from './lint.ts';
export { decodeText, formatFinding, loadDeleteImageSet, loadImageSet, loadSite, readSite } from './load.ts';
export { type MirrorReference, type MirrorReferenceFault, parseMirrorReference } from './mirror-reference.ts';
export { type FileReader, findNamedFiles, listSiteFiles, type NamedFile } from './named-files.ts';
export type {
  Host,
  HostedCluster,
  HostedNetwork,
  ImagePolicy,
  IpFailover,
  LoadedSite,
  ManagementCluster,
  NodePool,
  Site,
  SiteDns,
  SiteProxy,
  SiteRegistry,
  SiteWeb,
} from './site.ts';
export { expandVirtualAddresses } from './site-ip-failover-rules.ts';
export { renderSiteSchema } from './site-json-schema.ts';
export { type ParseSiteOptions, parseSite } from './site-parse.ts';
export { renderSiteReference } from './site-reference.ts';
export { compareVersions, findLenientVersion, findStrictVersion, type Version } from './version.ts';
