import type { DeleteImageSet, ImageSet } from '../../config/index.ts';
import { AirlockError, errorText } from '../../core/errors.ts';
import { parseYaml, parseYamlStream, renderYaml } from '../../core/yaml.ts';
import { type ImageType, imageTypes, type SelectedImage } from '../../plan/index.ts';
import { isCosignTag } from '../naming.ts';

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

/**
 * A DeleteImageSetConfiguration as oc-mirror writes it beside a list, to be looked at later: with the defaults that count for a deletion
 * (reference §10.1).
 */
export function renderDeleteSet(text: string): string {
  const { delete: content, ...rest } = record(parseYaml(text));
  const { platform, ...others } = record(content);
  const { channels, architectures, ...more } = record(platform);
  const asked = (Array.isArray(channels) ? channels : []).map((channel: unknown) => ({
    type: 'ocp',
    ...record(channel),
  }));
  const named = Array.isArray(architectures) && architectures.length > 0 ? architectures : undefined;
  const known = named ?? (asked.length > 0 ? ['amd64'] : undefined);
  return renderYaml(
    {
      ...rest,
      apiVersion: 'mirror.openshift.io/v2alpha1',
      delete: {
        ...others,
        ...(platform === undefined
          ? {}
          : {
              platform: {
                ...more,
                ...(known ? { architectures: known } : {}),
                ...(asked.length > 0 ? { channels: asked } : {}),
              },
            }),
      },
    },
    { sortKeys: true },
  );
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

/** Whether it is a signature, a referrer or the like, and not an image that was asked for. Archives of oc-mirror know it by its tag. */
export function isAttached(image: SelectedImage): boolean {
  return isCosignTag(image.tag) || /^(?:signature|attestation|sbom|referrer|referrers-index) of /.test(image.reason);
}

/** The reference of an image, or of what is attached to it. The graph image is built, and oc-mirror calls it by the name in its own cache. */
function imageName(image: SelectedImage): string {
  if (image.type === 'cincinnatiGraph') return `localhost:55000/${image.repository}:${image.tag}`;
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

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
