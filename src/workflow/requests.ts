/** How sources are reached: flags and environment, gathered at the edge. Absent means the default of the folder that uses it. */
export interface SourceSettings {
  /** From `--authfile`; has to be readable. */
  readonly authFile?: string | undefined;
  readonly tlsVerify: boolean;
  readonly caFile?: string | undefined;
  readonly registriesConfFile?: string | undefined;
  readonly retryTimes: number;
  readonly retryDelaySeconds: number;
  readonly parallelImages: number;
  readonly parallelLayers: number;
  readonly maxBytesPerSecond?: number | undefined;
  /** The environment that the containers tools and Go programs honour; only known names are read from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  readonly uid?: number | undefined;
}

/** How the target registry is reached. */
export interface TargetSettings {
  readonly authFile?: string | undefined;
  readonly tlsVerify: boolean;
  readonly caFile?: string | undefined;
}

/** What is selected, beside the ImageSetConfiguration itself. */
export interface SelectionSettings {
  /** undefined: from the site; []: none; `from-releases` when `--rhcos` has no list. */
  readonly coreosArchitectures?: readonly string[] | 'from-releases' | undefined;
  readonly coreosBaseUrl?: string | undefined;
  readonly releaseKeyFile?: string | undefined;
  readonly ignoreReleaseSignature: boolean;
  readonly removeSignatures: boolean;
  readonly updateUrl?: string | undefined;
  /** The graph data of the update service at `updateUrl`, for `graph: true`. */
  readonly graphUrl?: string | undefined;
  readonly signatureUrl?: string | undefined;
}

/** What planning works on. */
export interface PlanRequest {
  /** The ImageSetConfiguration; left out: the one that the site names. */
  readonly imageSetFile?: string | undefined;
  /** The site file, where there is one. */
  readonly siteFile?: string | undefined;
  /** Where generations go: `DIR` of design §2. */
  readonly folder: string;
  /** Default `DIR/.airlock`. */
  readonly workspace?: string | undefined;
  readonly volumeSizeBytes?: number | undefined;
  /** Carry everything again. */
  readonly full: boolean;
  /** An inventory exported at the site: the next generation is what it lacks. */
  readonly baseFile?: string | undefined;
  /** The public key that the inventory has to be signed with; left out: its digest alone is checked. */
  readonly baseKeyFile?: string | undefined;
  /** Tools for the bastion, as `--tools` lists them; undefined: oc and kubectl where there is a site. */
  readonly tools?: readonly string[] | undefined;
  /** The bastion's architecture, as Go spells it; default amd64. */
  readonly toolsArchitecture?: string | undefined;
  /** The executable of this tool that goes along as `airlock/bin/airlock`. */
  readonly toolFile?: string | undefined;
  /** Whether the bundle will be signed: the signature takes room too. */
  readonly signed?: boolean | undefined;
  /** Size of parts that will be cut, and where they go (default: the generation's folder). */
  readonly partSizeBytes?: number | undefined;
  readonly partsFolder?: string | undefined;
  /** Of the bastion's file system; default 4096. */
  readonly blockBytes?: number | undefined;
  /** Times inside the bundle, from SOURCE_DATE_EPOCH; default: now. */
  readonly createdAt?: Date | undefined;
  readonly source: SourceSettings;
  readonly selection: SelectionSettings;
}
