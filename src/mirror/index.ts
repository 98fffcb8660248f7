export { type CollectInput, collectImageSet } from './collect/collect.ts';
export { toStreamArchitecture } from './collect/coreos.ts';
export { type CollectOptions, defaultSignatureUrl, defaultUpdateUrl } from './collect/options.ts';
export { mirrorErrors } from './errors.ts';
export type { HttpAccess } from './http-access.ts';
export { additionalStorageName, digestTag, type ImageName, imageStorageName, parseImageName } from './naming.ts';
export { createReleaseSigner, type ReleaseSigner } from './release/sign-release.ts';
