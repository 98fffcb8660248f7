/** How something is: fine, worth a look, broken, or not known. */
export type StatusLevel = 'good' | 'warning' | 'bad' | 'unknown';

/** What the status page shows. Every part but the title may be left out; times are shown in UTC. */
export interface StatusModel {
  /** `Airlock at lab.example.com` */
  readonly title: string;
  /** When the model was made. */
  readonly at: Date;
  readonly services?: readonly StatusService[];
  readonly bundle?: StatusBundle;
  readonly releases?: readonly StatusRelease[];
  readonly operators?: readonly StatusOperator[];
  readonly files?: readonly StatusFile[];
  readonly certificates?: readonly StatusCertificate[];
  readonly disks?: readonly StatusDisk[];
  readonly check?: StatusCheck;
  /** What to run on a host or a cluster to use this bastion. */
  readonly snippets?: readonly StatusSnippet[];
  /** Path or URL of the CA certificate. */
  readonly caPath?: string;
  readonly caFingerprintSha256?: string;
}

export interface StatusService {
  readonly name: string;
  readonly address: string;
  readonly level: StatusLevel;
  /** `healthy`, `stopped`, `no answer over IPv6`. */
  readonly state: string;
  readonly since?: Date;
}

export interface StatusBundle {
  readonly generation: number;
  readonly createdAt: Date;
  readonly loadedAt?: Date;
  readonly signedBy?: string;
  readonly sizeBytes?: number;
}

export interface StatusRelease {
  readonly version: string;
  readonly architectures: readonly string[];
  /** The release image by digest. */
  readonly image?: string;
}

export interface StatusOperator {
  readonly name: string;
  readonly catalog: string;
  readonly channels: readonly string[];
}

export interface StatusFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly level: StatusLevel;
  readonly state: string;
}

export interface StatusCertificate {
  readonly name: string;
  readonly notAfter: Date;
  readonly level: StatusLevel;
}

export interface StatusDisk {
  readonly name: string;
  readonly path: string;
  readonly usedBytes: number;
  readonly totalBytes: number;
  readonly level: StatusLevel;
}

export interface StatusCheck {
  readonly at: Date;
  readonly findings: readonly {
    readonly code: string;
    readonly level: StatusLevel;
    readonly subject: string;
    readonly message: string;
    readonly hint?: string;
  }[];
}

export interface StatusSnippet {
  readonly title: string;
  readonly text: string;
}
