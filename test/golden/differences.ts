import type { CaseOptions } from './run-case.ts';

/** Where ours differs from the golden run on purpose; numbers and rows are those of docs/differences-from-oc-mirror.md. */
export interface Difference {
  readonly why: string;
  /** Ours refuses what oc-mirror takes: the sentence has to match. */
  readonly refused?: RegExp;
  /** Ours succeeds where oc-mirror fails. */
  readonly succeeds?: true;
  /** Rows that only ours has: referrers are carried, each architecture contributes. */
  readonly oursOnly?: RegExp;
  /** Rows that only oc-mirror has. */
  readonly theirsOnly?: RegExp;
  /** Mirror rules that only oc-mirror has. */
  readonly theirRulesOnly?: RegExp;
  /** Mirror rules that only ours has. */
  readonly ourRulesOnly?: RegExp;
  /** Filtered catalogs differ: not compared. */
  readonly catalogs?: true;
}

// The filter hash of an oci:// catalog is made over its folder, which lies elsewhere here.
const elsewhere: Difference = {
  why: 'the folder of the golden run was another',
  oursOnly: /\t[0-9a-f]{32}$/,
  theirsOnly: /\t[0-9a-f]{32}$/,
  catalogs: true,
};

export const differences: Readonly<Record<string, Difference>> = {
  '01-additional': { why: 'D18: OCI referrers are carried', oursOnly: /^acme\/referred\t(?:sha256-|-)/ },
  '01b-additional-renamed': {
    why: 'D19: an oci:// folder is no source that a cluster knows',
    theirRulesOnly: /src-oci/,
  },
  '02g-release-unsigned-cosign': {
    why: 'D20: a release without cosign signatures is carried as it is',
    succeeds: true,
  },
  '03k-release-arches-differ': { why: 'D2: each architecture is resolved on its own', oursOnly: /aarch64|openshift\// },
  '04g-graph-only': { why: 'D34: graph: true without releases is refused beforehand', refused: /graph/ },
  '04m-mismatch': { why: 'D1: a signed body that names another digest is refused', refused: /signature/i },
  '04n-badsig': { why: 'D1: a damaged signature is refused', refused: /signature/i },
  '05n-op-oci-catalog': { ...elsewhere },
  '05n2-op-oci-target': { ...elsewhere },
  '05y09-no-default': { why: 'D7: a catalog that opm would not serve is refused', refused: /opm/ },
  '05y11-two-heads-full': { why: 'D7: a catalog that opm would not serve is refused', refused: /opm/ },
  '05y14-tag-in-path': {
    why: 'D6: a tag that also stands in the path is no trouble',
    oursOnly: /^v1\/catalog\t/,
    theirsOnly: /^[0-9a-f]{32}\/catalog\t/,
    catalogs: true,
  },
  '05i-op-full-catalog': {
    why: 'D5: a bundle image that relatedImages leaves out is carried',
    oursOnly: /^acme-mu\/mu-operator-bundle\t/,
  },
  '05q-op-single-arch-catalog': {
    why: 'D5: a bundle image that relatedImages leaves out is carried',
    oursOnly: /^acme-mu\/mu-operator-bundle\t/,
    ourRulesOnly: /mu-operator-bundle/,
  },
  '05s-op-prerelease-range': { why: 'D4: no channel is left without entries', catalogs: true },
  '05n3-op-oci-twice': {
    why: 'D12: one catalog twice is refused beforehand, with both lines',
    refused: /twice|already|also|line/i,
  },
  '05n4-op-catalog-twice': {
    why: 'D12: one catalog twice is refused beforehand, with both lines',
    refused: /twice|already|also|line/i,
  },
  '05g-op-package-minmax': { why: 'D4: no channel is left without entries', catalogs: true },
};

/** What our sentence has to say where oc-mirror refuses too. */
export const refusals: Readonly<Record<string, RegExp>> = {
  '02i-release-badversion': /semver|version/i,
  '02j-release-badversion-min': /semver|version/i,
  '02k-release-unknown-channel': /404|channel/i,
  '02m-release-min-above-max': /minVersion|above|maxVersion/i,
  '02o-release-one-bad-channel': /404|channel/i,
  '03i-release-missing-arch': /404|s390x/i,
  '04h-graph-override': /graph/i,
  '04j-missing': /ocpReleaseContent/,
  '04k-unsigned': /signature/i,
  '04l-wrongkey': /signature/i,
  '04o-wrong-key-env': /signature|key/i,
  '05x02-only-unknown-package': /package|related images|nothing of/i,
  '05x04-default-filtered': /default channel/i,
  '05x05-full-and-range': /full/i,
  '05x06-range-both': /range|version/i,
  '05x07-duplicate-package': /duplicate/i,
  '05x08-duplicate-catalog': /duplicate/i,
  '05x09-empty-range-default': /default channel|range|no /i,
  '05x11-float-version': /string|number|quote/i,
  '05x12-bad-semver': /semver|version/i,
  '05x13-bad-target': /target/i,
  '05x14-selected-bundles': /unknown|bundles/i,
  '13e-nothing': /nothing|mirror/i,
};

/** What else matters to an engine, beside the flags in the golden command. */
export const settings: Readonly<Record<string, Omit<CaseOptions, 'env' | 'chartsUrl'>>> = {
  '08-incremental': { config: 'isc-1.yaml' },
  // As where UPDATE_URL_OVERRIDE alone is given.
  '04o-wrong-key-env': { without: ['OCP_SIGNATURE_VERIFICATION_PK'] },
  '04h-graph-override': { without: ['AIRLOCK_GRAPH_URL'] },
};
