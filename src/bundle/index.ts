export { type AdoptOptions, adoptArchive, openArchive } from './adopt.ts';
export type { MissingMember } from './bring.ts';
export {
  type BuildOptions,
  type BuildOutcome,
  buildBundle,
  findInterruptedBuild,
  generationFolders,
  type InterruptedBuild,
} from './build.ts';
export {
  type Bundle,
  type BundleVolume,
  findCutVolumes,
  isHere,
  locateMember,
  readCarriedFile,
  readMember,
} from './bundle.ts';
export { type ContentSources, measureFile } from './contents.ts';
export { copyStretch } from './copy-stretch.ts';
export { findUnfinishedCut } from './cut-list.ts';
export { type CutOptions, type CutOutcome, cutParts } from './cut-parts.ts';
export { bundleErrors } from './errors.ts';
export {
  type BundleIndex,
  bundleNames,
  generationText,
  type IndexedBlob,
  type IndexedFile,
  type IndexedVolume,
} from './format.ts';
export { dropIncoming, findAway, findNeededIncoming, type KeptFile, keepIncoming } from './incoming.ts';
export { parseIndex, renderIndex } from './index-text.ts';
export { type BundleContents, describeBundle, type ImageContents, renderChecksums, renderSpdx } from './inspect.ts';
export { type Inventory, isInventory, readInventory, renderInventory, takeInventory } from './inventory.ts';
export { openParts } from './join-parts.ts';
export { bundleBytes, type LayoutOptions, layoutVolumes, planBytes } from './layout.ts';
export { type LoadOutcome, loadIntoStorage } from './load.ts';
export { forecastChain, forecastFiles, type LoadForecast } from './load-forecast.ts';
export { type LoadSpace, measureSpace } from './load-space.ts';
export {
  findKeptPlan,
  type LoadedGeneration,
  type LoadRecord,
  listLoaded,
  loadedNumber,
  readLoadedIndex,
  writeLoaded,
} from './load-state.ts';
export type { LoadOptions } from './load-todo.ts';
export { acquireLock, type Lock, type LockHolder } from './lock.ts';
export { blobDamaged, type PartSums } from './needed-pieces.ts';
export { openBundle } from './open.ts';
export {
  findNeeded,
  forecastParts,
  layoutParts,
  type NeededPart,
  type Part,
  type PartFault,
  type PartList,
  partListName,
  readPartList,
} from './parts.ts';
export { type FileOutcome, type FilePlaces, placeFiles, removeSpans } from './place-files.ts';
export {
  applyPrune,
  collectPruned,
  findPruned,
  type PruneOptions,
  type PrunePlan,
  planPrune,
  undoPrune,
} from './prune.ts';
export {
  createReceipt,
  describeSignature,
  type Receipt,
  renderReceiptMarkdown,
} from './receipt.ts';
export { renderReceiptHtml } from './receipt-html.ts';
export { findRecord, type GenerationRecord, type History, readHistory } from './records.ts';
export { readSums, recoverRecords } from './recover-records.ts';
export { sideNames } from './seal.ts';
export { forecastSealed, type SealedForecast } from './sealed-sizes.ts';
export { fingerprintKey, generateSigningKey, publicKeyOf, type SignatureStatus } from './sign.ts';
export { packSmallFiles, type SmallFile } from './small-archive.ts';
export { type BundleStore, type BundleStoreOptions, openBundleSource, openBundleStore } from './store.ts';
export { collectTargets, type IncompleteImage } from './target-tree.ts';
export { assertFinished } from './unfinished.ts';
export { checkSignature, type VerifyReport, verifyBundle } from './verify.ts';
export type { Damage } from './verify-volumes.ts';
