import type { DeleteImageSet, ImageSet } from '../../config/index.ts';
import { AirlockError, errorText } from '../../core/errors.ts';
import { parseYamlStream, renderYaml } from '../../core/yaml.ts';
import { type ImageType, imageTypes, type SelectedImage } from '../../plan/index.ts';

/** One image to remove, as oc-mirror's DeleteImageList names it (reference §10.1). */
export interface DeletionItem {
  /** Its origin; with `docker://` where oc-mirror writes it. */
  readonly imageName: string;
  /** `docker://<registry>/<repository>:<tag>` at the target. */
  readonly imageReference: string;
  readonly type: ImageType;
}

/** What a DeleteImageSetConfiguration selects is found out as if it were to be mirrored. */
export function toImageSet(deletion: DeleteImageSet): ImageSet {
  return { archiveSizeGib: 500, mirror: { ...deletion.delete, blockedImages: [] } };
}

/**
 * The images to remove of what was selected, at `destination` (`host[:port][/prefix]`), sorted, each name once. Catalogs are never among them;
 * signatures and referrers only when asked for. `rename` gives the target's name of a repository where it is not its own (nested paths).
 */
export function listDeletions(
  images: readonly SelectedImage[],
  destination: string,
  options: { readonly signatures?: boolean; readonly rename?: (repository: string) => string } = {},
): DeletionItem[] {
  const items = images
    .filter((image) => image.type !== 'operatorCatalog' && (options.signatures === true || !isAttached(image)))
    .flatMap((image) =>
      image.targets.map((target) => ({
        imageName: `${hasTransport(image.type) ? 'docker://' : ''}${imageName(image)}`,
        imageReference: `docker://${destination}/${options.rename?.(target.repository) ?? target.repository}:${target.tag}`,
        type: image.type,
      })),
    );
  const distinct = new Map(items.map((item) => [item.imageReference, item]));
  return [...distinct.values()].sort((a, b) => (a.imageReference < b.imageReference ? -1 : 1));
}

/** A list as oc-mirror writes it; either tool reads the other's. */
export function renderDeletions(items: readonly DeletionItem[]): string {
  return renderYaml({ apiVersion: 'mirror.openshift.io/v2alpha1', items, kind: 'DeleteImageList' });
}

/** Reads a list. @throws AirlockError DELETE_LIST_INVALID */
export function parseDeletions(text: string): DeletionItem[] {
  const fail = (why: string): never => {
    throw new AirlockError('DELETE_LIST_INVALID', `not a DeleteImageList: ${why}`);
  };
  let list: unknown;
  try {
    [list] = parseYamlStream(text);
  } catch (error) {
    fail(errorText(error));
  }
  if (field(list, 'kind') !== 'DeleteImageList') fail('its kind is another one');
  const items = field(list, 'items');
  return (Array.isArray(items) ? items : []).map((item: unknown) => {
    const [imageName, imageReference, type] = [
      field(item, 'imageName'),
      field(item, 'imageReference'),
      field(item, 'type'),
    ];
    const known = imageTypes.find((one) => one === type);
    if (typeof imageName !== 'string' || typeof imageReference !== 'string' || !known)
      return fail('an item lacks imageName, imageReference or a known type');
    return { imageName, imageReference, type: known };
  });
}

/** Whether it is a signature, a referrer or the like, and not an image that was asked for. */
export function isAttached(image: SelectedImage): boolean {
  return /^(?:signature|attestation|sbom|referrer|referrers-index) of /.test(image.reason);
}

/** The reference of an image, or of what is attached to it. */
function imageName(image: SelectedImage): string {
  const origin = image.origin.replace(/^docker:\/\//, '');
  return isAttached(image) ? `${origin.replace(/@.*$/, '').replace(/:[^/:]*$/, '')}:${image.tag}` : origin;
}

/** oc-mirror writes the transport for these types and not for the others. */
function hasTransport(type: ImageType): boolean {
  return type !== 'ocpReleaseContent' && type !== 'generic';
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
