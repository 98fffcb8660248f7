import path from 'node:path';
import { bundleNames } from '../bundle/index.ts';
import type { LoadedImageSet, LoadedSite } from '../config/index.ts';
import type { Run } from '../core/run.ts';
import type { HttpAccess } from '../mirror/index.ts';
import { digestHex, digestOf, type Source } from '../oci/index.ts';
import type { CollectedSet, KeptBlobs, SelectedFile } from '../plan/index.ts';
import { registryImageFile } from './registry-image.ts';
import type { PlanRequest } from './requests.ts';
import { collectTools } from './tools.ts';

/** Both configuration files of a request, read and checked. */
export interface LoadedConfiguration {
  readonly imageSet: LoadedImageSet;
  readonly site: LoadedSite | undefined;
}

/** Where the files come from. */
export interface BastionFileSources {
  readonly remote: Source;
  /** Layers of the set's own images: the source registries, or an archive that holds them. */
  readonly layers: Pick<Source, 'fetchBlob'>;
  readonly http: HttpAccess;
  readonly kept: KeptBlobs;
}

/**
 * A set with what a bastion needs beside its images: configuration, tools, and the image that the registry runs from.
 * @throws AirlockError USAGE for a tool that nobody knows
 */
export async function addBastionFiles(
  facts: CollectedSet,
  {
    request,
    configuration,
    workspace,
    carriedFiles,
  }: {
    readonly request: PlanRequest;
    readonly configuration: LoadedConfiguration;
    readonly workspace: string;
    /** sha256 of files that the far side has. */
    readonly carriedFiles: ReadonlySet<string>;
  },
  { remote, layers, http, kept }: BastionFileSources,
  run: Run,
): Promise<CollectedSet> {
  const { site } = configuration;
  const image = await registryImageFile(site?.site, remote, kept, workspace, run);
  const architecture = request.toolsArchitecture ?? 'amd64';
  const tools = await collectTools(
    facts,
    { names: request.tools, hasSite: site !== undefined, architecture, workspace, carriedFiles },
    { source: layers, http, kept },
    run,
  );
  return {
    ...facts,
    manifests: tools.manifests,
    files: [...facts.files, ...configurationFiles(configuration), ...image.files, ...tools.files],
    missing: [...facts.missing, ...image.missing, ...tools.missing],
    notes: [...facts.notes, ...image.notes, ...tools.notes],
  };
}

/** Both configuration files travel along, byte for byte. */
function configurationFiles({ imageSet, site }: LoadedConfiguration): SelectedFile[] {
  const file = (memberPath: string, bytes: Uint8Array, origin: string): SelectedFile => ({
    path: memberPath,
    sizeBytes: bytes.length,
    sha256: digestHex(digestOf(bytes)),
    mode: 0o644,
    role: 'config',
    content: { kind: 'inline', base64: Buffer.from(bytes).toString('base64') },
    origin,
  });
  return [
    file(bundleNames.imageSet, imageSet.bytes, path.basename(imageSet.file)),
    ...(site ? [file(bundleNames.site, site.bytes, path.basename(site.site.file))] : []),
  ];
}
