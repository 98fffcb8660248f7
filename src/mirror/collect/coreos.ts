import { AirlockError } from '../../core/errors.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import type { Platform } from '../../oci/index.ts';
import type { CoreosBuild } from '../../plan/index.ts';
import { parseHttpUrl } from '../http-access.ts';
import type { CoreosArtifact, CoreosContent, CoreosImages } from '../release/coreos-stream.ts';
import { addNote, type Collector, orMissing } from './collector.ts';

const streamArchitectures: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

/** The stream's spelling of an architecture: amd64 is x86_64 there, arm64 is aarch64. */
export function toStreamArchitecture(architecture: string): string {
  return streamArchitectures[architecture] ?? architecture;
}

/**
 * Adds the CoreOS boot images of a release: live ISO, rootfs, kernel, initramfs. Checksums come from the stream inside the payload, sizes
 * from HEAD. What the stream lacks is a note; a file that its server does not have is missing content.
 * @throws AirlockError COREOS_SIZE_UNKNOWN
 */
export async function collectCoreos(
  collector: Collector,
  payload: { readonly architecture: string; readonly coreos: CoreosContent | undefined },
  platforms: readonly Platform[],
  reason: string,
  run: Run,
): Promise<CoreosBuild[]> {
  if (!collector.options.coreos) return [];
  if (!payload.coreos) {
    addNote(
      collector,
      { code: 'COREOS_STREAM_ABSENT', subject: reason, message: 'its payload names no CoreOS boot images' },
      run,
    );
    return [];
  }
  const asked = askedArchitectures(collector.options.coreos.architectures, payload.architecture, platforms);
  const images = payload.coreos.images.filter((one) => asked === 'all' || asked.includes(one.architecture));
  for (const architecture of asked === 'all' ? [] : asked) {
    if (images.some((one) => one.architecture === architecture)) continue;
    addNote(
      collector,
      { code: 'COREOS_ARCHITECTURE_ABSENT', subject: reason, message: `its CoreOS stream has no ${architecture}` },
      run,
    );
  }
  return mapLimited(images, 2, (one) => collectBuild(collector, one, reason, run));
}

function askedArchitectures(
  option: readonly string[] | 'from-releases',
  release: string,
  platforms: readonly Platform[],
): readonly string[] | 'all' {
  if (option !== 'from-releases') return [...new Set(option.map(toStreamArchitecture))];
  if (release !== 'multi') return [toStreamArchitecture(release)];
  return platforms.length === 0 ? 'all' : [...new Set(platforms.map((one) => toStreamArchitecture(one.architecture)))];
}

async function collectBuild(
  collector: Collector,
  images: CoreosImages,
  reason: string,
  run: Run,
): Promise<CoreosBuild> {
  for (const role of images.absent) {
    addNote(
      collector,
      {
        code: 'COREOS_FORMAT_ABSENT',
        subject: `CoreOS ${images.build} ${images.architecture}`,
        message: `the stream has no ${role}`,
      },
      run,
    );
  }
  const entries = await mapLimited(images.artifacts, 4, (artifact) =>
    orMissing(collector, { type: 'coreos', origin: artifact.url }, () =>
      addArtifact(collector, images, artifact, reason, run),
    ),
  );
  return {
    build: images.build,
    architecture: images.architecture,
    artifacts: Object.fromEntries(entries.filter((entry) => entry !== undefined)),
  };
}

type ArtifactEntry = readonly [CoreosArtifact['role'], { webPath: string; sha256: string; sizeBytes: number }];

async function addArtifact(
  collector: Collector,
  images: CoreosImages,
  artifact: CoreosArtifact,
  reason: string,
  run: Run,
): Promise<ArtifactEntry> {
  const url = rebase(artifact.url, collector.options.coreosBaseUrl);
  const name = new URL(url).pathname.split('/').at(-1) ?? '';
  if (!/^\w[\w.+-]*$/.test(name))
    throw new AirlockError('COREOS_STREAM_INVALID', `${artifact.url} ends in no file name`);
  const place = `rhcos/${images.build}/${images.architecture}/${name}`;
  const known = collector.files.find((file) => file.path === `airlock/${place}`);
  const sizeBytes = known?.sizeBytes ?? (await readSize(collector, url, run));
  if (!known) {
    collector.files.push({
      path: `airlock/${place}`,
      sizeBytes,
      sha256: artifact.sha256,
      mode: 0o644,
      role: 'coreos',
      content: { kind: 'url', url },
      origin: `${artifact.url} (${reason})`,
      webPath: `/${place}`,
    });
  }
  return [artifact.role, { webPath: `/${place}`, sha256: artifact.sha256, sizeBytes }];
}

async function readSize(collector: Collector, url: string, run: Run): Promise<number> {
  const { status, sizeBytes } = await collector.limit(() => collector.http.headUrl(url, run));
  if (status !== 200) throw new AirlockError('COREOS_UNAVAILABLE', `${url}: HTTP ${status}`);
  if (sizeBytes !== undefined) return sizeBytes;
  throw new AirlockError('COREOS_SIZE_UNKNOWN', `${url}: the server does not say how long the file is`, {
    hint: 'name another server with --rhcos-url',
  });
}

/** Puts another scheme and host, and a path before it where `base` has one. */
function rebase(url: string, base: string | undefined): string {
  if (!base) return parseHttpUrl(url).href;
  const [from, to] = [parseHttpUrl(url), parseHttpUrl(base)];
  return `${to.origin}${to.pathname.replace(/\/$/, '')}${from.pathname}${from.search}`;
}
