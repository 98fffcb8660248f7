import { prettyJson } from '../../core/json.ts';
import { formatBytes } from '../../core/units.ts';
import { type InspectResult, inspect, inspectChecksums, inspectSpdx } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural, renderTable } from '../render/table.ts';
import { userPath } from '../settings.ts';

export async function runInspect(invocation: Invocation): Promise<Outcome> {
  const bundle = userPath(invocation, argument(invocation, 0) ?? '.');
  const exitCode = exitCodes.done;
  switch (invocation.flags.text('format')) {
    case 'sha256sum': {
      const text = await inspectChecksums(bundle, invocation.run);
      return { exitCode, result: { sha256sum: text.trim().split('\n') }, text };
    }
    case 'spdx': {
      const result = await inspectSpdx(bundle, invocation.run);
      return { exitCode, result, text: prettyJson(result) };
    }
    case 'json': {
      const result = { bundles: (await inspect(bundle, invocation.run)).map(({ contents }) => contents) };
      return { exitCode, result, text: prettyJson(result) };
    }
    default: {
      const bundles = await inspect(bundle, invocation.run);
      return { exitCode, result: { bundles }, text: bundles.map(renderBundle).join('\n\n') };
    }
  }
}

function renderBundle({
  folder,
  kind,
  index,
  contents,
  indexDigest,
  missingVolumes,
  cutVolumes,
}: InspectResult): string {
  const { totals } = contents;
  return [
    `generation ${index.generation} in ${folder}${kind === 'airlock' ? '' : ` (written by oc-mirror)`}`,
    `made ${index.createdAt} by airlock ${index.toolVersion}, index ${indexDigest}`,
    index.parent
      ? `builds on generation ${index.parent.generation} (${plural(totals.assumedBlobs, 'blob')} assumed)`
      : 'builds on nothing',
    `${plural(index.volumes.length, 'volume')}, ${plural(totals.blobs, 'blob')}, ${plural(totals.files, 'file')}, ${formatBytes(totals.blobBytes + totals.fileBytes)}`,
    ...missingVolumes.map((name) => `volume ${name} is not here`),
    ...cutVolumes.map(
      ({ name, sizeBytes, foundBytes }) =>
        `volume ${name} IS DAMAGED: it has ${foundBytes} bytes, and should have ${sizeBytes}; airlock verify tells more`,
    ),
    ...contents.releases.map(
      (release) =>
        `release ${release.version} ${release.architecture} ${release.digest}${release.signature === 'verified' ? ', OpenPGP signature verified' : ', SIGNATURE NOT CHECKED'}`,
    ),
    ...section(
      ['operator package', 'channels', 'bundles', 'catalog'],
      contents.packages.map((one) => [one.name, one.channels.join(' '), one.bundles.join(' '), one.catalog]),
    ),
    ...section(
      ['type', 'name', 'digest', 'cosign', 'origin'],
      index.images.map((image) => [
        image.type,
        `${image.repository}:${image.tag}`,
        image.digest.slice(0, 19),
        image.signature,
        image.origin,
      ]),
    ),
    ...section(
      ['file', 'size', 'role', 'sha256'],
      contents.files.map((file) => [file.path, formatBytes(file.sizeBytes), file.role, file.sha256.slice(0, 16)]),
    ),
  ].join('\n');
}

function section(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ['', renderTable(header, rows)];
}
