import type { ErrorTable } from '../core/errors.ts';

/** Codes of `bundle`: building, opening, verifying and loading bundles. */
export const bundleErrors: ErrorTable = {
  BUNDLE_NOT_FOUND: { exit: 'usage', summary: 'A path holds no bundle.' },
  BUNDLE_INVALID: { exit: 'no', summary: 'A bundle is damaged or not in a form that Airlock reads.' },
  BUNDLE_DAMAGED: { exit: 'no', summary: 'Bytes of a bundle are not what its index says.' },
  BUNDLE_INCOMPLETE: { exit: 'no', summary: 'Volumes of a bundle are missing.' },
  BASE_MISSING: { exit: 'no', summary: 'A bundle needs content of an earlier generation that is not there.' },
  SIGNATURE_BAD: { exit: 'no', summary: 'The signature of a bundle does not fit its index and the given key.' },
  SIGNING_KEY_INVALID: { exit: 'usage', summary: 'A key file is not a P-256 key in PEM form.' },
  GENERATION_EXISTS: {
    exit: 'environment',
    summary: 'A bundle of that generation is there already, made from another plan.',
  },
  PLAN_UNUSABLE: { exit: 'usage', summary: 'A plan names members that a bundle cannot hold.' },
  WORKSPACE_LOCKED: { exit: 'environment', summary: 'Another run works on the same workspace.' },
  INVENTORY_INVALID: { exit: 'usage', summary: 'An inventory file is damaged, forged or none.' },
  RECORD_DAMAGED: {
    exit: 'environment',
    summary: 'What a workspace or a site remembers of a generation cannot be read.',
  },
  PART_MISSING: { exit: 'no', summary: 'A part of a bundle is not on the media that are here.' },
  PRUNE_BUSY: { exit: 'environment', summary: 'An earlier prune was neither finished nor undone.' },
  MEMBER_UNKNOWN: { exit: 'incomplete', summary: 'A bundle does not hold the content that was asked for.' },
};
