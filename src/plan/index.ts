export { type AssembleOptions, assemblePlan, hasNewContent } from './assemble.ts';
export { planErrors } from './errors.ts';
export {
  type ExplainedBundle,
  type ExplainedPackage,
  type ExplainedReason,
  type Explanation,
  explainPlan,
} from './explain.ts';
export type {
  CollectedManifest,
  CollectedSet,
  CoreosBuild,
  CoreosRole,
  FileContent,
  ImageType,
  MissingContent,
  Note,
  SelectedCatalog,
  SelectedFile,
  SelectedImage,
  SelectedPackage,
  SelectedRelease,
  SignatureState,
  TargetName,
} from './facts.ts';
export type { Plan, PlannedBlob, Share } from './plan.ts';
export { isMemberPath, parsePlan, writePlan } from './read.ts';
export { checkSpace, measureNeed, type PlannedFiles, type SpaceNeed } from './space.ts';
export { type KeptBlobs, openKeptBlobs } from './workspace.ts';
