export { type AssembleOptions, assemblePlan, hasNewContent } from './assemble.ts';
export { planErrors } from './errors.ts';
export {
  type ExplainedBundle,
  type ExplainedPackage,
  type ExplainedReason,
  type Explanation,
  explainPlan,
} from './explain.ts';
export {
  type CollectedManifest,
  type CollectedSet,
  type CoreosBuild,
  type CoreosRole,
  type FileContent,
  type ImageType,
  imageTypes,
  type MissingContent,
  type Note,
  type SelectedCatalog,
  type SelectedFile,
  type SelectedImage,
  type SelectedPackage,
  type SelectedRelease,
  type SignatureState,
  type TargetName,
} from './facts.ts';
export type { Plan, PlannedBlob, Share } from './plan.ts';
export { isMemberPath, parsePlan, writePlan } from './read.ts';
export { checkSpace, measureNeed, type PlannedFiles, type SpaceNeed } from './space.ts';
export { type KeptBlobs, openKeptBlobs } from './workspace.ts';
