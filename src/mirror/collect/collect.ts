import { compileBlockedPattern, type ImageSet } from '../../config/index.ts';
import type { Run } from '../../core/run.ts';
import type { Source } from '../../oci/index.ts';
import type { CollectedSet, KeptBlobs, SelectedImage, TargetName } from '../../plan/index.ts';
import type { HttpAccess } from '../http-access.ts';
import { collectAdditional } from './additional.ts';
import { addNote, type Collector, createCollector } from './collector.ts';
import { collectGraphImage } from './graph-image.ts';
import { collectHelm } from './helm.ts';
import { keepOnce } from './kept-once.ts';
import { collectOperators } from './operators.ts';
import type { CollectOptions } from './options.ts';
import { collectReleases } from './releases.ts';
import { addWorkingFile } from './working-files.ts';

/** What an image set is collected from. */
export interface CollectInput {
  readonly imageSet: ImageSet;
  readonly source: Source;
  readonly http: HttpAccess;
  readonly kept: KeptBlobs;
  readonly options: CollectOptions;
}

/**
 * Finds out everything that an ImageSetConfiguration selects: images pinned by digest, with oc-mirror's names (reference §5–§8), files, and
 * what is to be known about them. What is selected and cannot be had stands in `missing` with its cause; nothing is dropped in silence.
 * Manifests, and the layers that had to be read, go to `kept`.
 * @throws AirlockError CANCELLED
 */
export async function collectImageSet(input: CollectInput, run: Run): Promise<CollectedSet> {
  const { mirror } = input.imageSet;
  const blocked = mirror.blockedImages.map((entry) => compileBlockedPattern(entry.name));
  const isBlocked: Collector['isBlocked'] = (...texts) =>
    blocked.some((pattern) => texts.some((text) => pattern.matches(text)));
  const collector = createCollector({ ...input, kept: keepOnce(input.kept) }, isBlocked);
  await collectReleases(collector, mirror.platform, run);
  await collectGraphImage(collector, mirror.platform, run);
  await collectOperators(collector, mirror.operators, run);
  await collectHelm(collector, mirror.helm, run);
  await collectAdditional(collector, mirror.additionalImages, run);
  // Real oc-mirror compares it with its own version when it loads a bundle; without the file it warns.
  addWorkingFile(
    collector,
    'internal/oc-mirror-version.json',
    Buffer.from('{\n  "gitVersion": "v0.0.0-airlock",\n  "gitCommit": ""\n}'),
    'airlock',
  );
  noteCollisions(collector, run);
  return finish(collector);
}

/** Two images that want one name, in storage or at the target: real oc-mirror lets the last writer win in silence (reference §5.2). */
function noteCollisions(collector: Collector, run: Run): void {
  const stored = new Map<string, string>();
  const placed = new Map<string, string>();
  for (const image of collector.images) {
    noteCollision(collector, stored, image, image, run);
    for (const target of image.targets) noteCollision(collector, placed, target, image, run);
  }
}

function noteCollision(
  collector: Collector,
  named: Map<string, string>,
  { repository, tag }: TargetName,
  { origin, digest }: SelectedImage,
  run: Run,
): void {
  const subject = `${repository}:${tag}`;
  const known = named.get(subject);
  named.set(subject, digest);
  if (known === undefined || known === digest) return;
  const message = `two images of the set want this name, also ${origin}`;
  addNote(collector, { code: 'IMAGE_NAME_SHARED', subject, message }, run);
}

/** One image that several charts or catalogs ask for: it is needed as long as one of them is. */
function withUses(one: SelectedImage, other: SelectedImage): SelectedImage {
  const united = (left: readonly string[], right: readonly string[]): string[] =>
    [...new Set([...left, ...right])].sort();
  const [left, right] = [one.operators, other.operators];
  return {
    ...one,
    absent: one.absent.filter((digest) => other.absent.includes(digest)),
    reason: united(one.reason.split('; '), other.reason.split('; ')).join('; '),
    ...(left && right
      ? { operators: { packages: united(left.packages, right.packages), bundles: united(left.bundles, right.bundles) } }
      : {}),
  };
}

/** The same set in the same order, whatever the order in which answers came. */
function finish(collector: Collector): CollectedSet {
  const by =
    <T>(key: (item: T) => string) =>
    (a: T, b: T) =>
      key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
  const images = new Map<string, SelectedImage>();
  for (const image of collector.images) {
    const key = JSON.stringify([image.type, image.origin, image.repository, image.tag, image.digest, image.targets]);
    const known = images.get(key);
    images.set(key, known ? withUses(known, image) : image);
  }
  return {
    images: [...images.values()].sort(
      by((image) => [image.repository, image.tag, image.type, image.origin, image.digest].join('\0')),
    ),
    manifests: new Map([...collector.manifests].sort(by(([digest]) => digest))),
    releases: collector.releases.sort(by((release) => `${release.tag}\0${release.digest}`)),
    catalogs: collector.catalogs.sort(by((catalog) => `${catalog.repository}:${catalog.tag}`)),
    files: collector.files.sort(by((file) => file.path)),
    missing: collector.missing.sort(by((one) => `${one.type}\0${one.origin}\0${one.cause}`)),
    notes: collector.notes.sort(by((note) => `${note.code}\0${note.subject}\0${note.message}`)),
  };
}
