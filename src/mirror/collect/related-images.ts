import type { OperatorCatalog } from '../../config/index.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import type { CatalogContent } from '../catalog/content.ts';
import type { CatalogSelection } from '../catalog/filter.ts';
import { imageStorageName, parseImageName } from '../naming.ts';
import { addMissing, addNote, type Collector, orMissing } from './collector.ts';
import { addImage } from './image.ts';

interface Related {
  isBundle: boolean;
  readonly packages: Set<string>;
  readonly bundles: Set<string>;
}

/**
 * Adds the bundle and related images of what is kept, each once (reference §7.4). A broken one is missing content of its bundle; real
 * oc-mirror gives up the whole catalog for it.
 */
export async function addRelatedImages(
  collector: Collector,
  entry: OperatorCatalog,
  content: CatalogContent,
  selection: CatalogSelection,
  run: Run,
): Promise<void> {
  const related = gather(collector, entry, content, selection, run);
  await mapLimited([...related], collector.options.parallel ?? 8, async ([image, use]) => {
    const bundles = [...use.bundles].sort();
    const type = use.isBundle ? 'operatorBundle' : 'operatorRelatedImage';
    if (image === '' || /^(?!docker:\/\/)[a-z]+:\/\//.test(image)) {
      const cause = image === '' ? 'a related image without a name' : 'only images of registries can be related images';
      addMissing(
        collector,
        { type, origin: image || `bundle ${bundles.join(', ')}` },
        'IMAGE_NAME_INVALID',
        `${cause} (bundle ${bundles.join(', ')})`,
      );
      return;
    }
    await orMissing(collector, { type, origin: image }, async () => {
      const name = parseImageName(image);
      await addImage(
        collector,
        {
          type,
          origin: image,
          ...imageStorageName(name),
          platforms: entry.platforms,
          reason: `${use.isBundle ? 'bundle' : 'related image of'} ${bundles.join(', ')}`,
          operators: { packages: [...use.packages].sort(), bundles },
        },
        run,
      );
    });
  });
}

function gather(
  collector: Collector,
  entry: OperatorCatalog,
  content: CatalogContent,
  selection: CatalogSelection,
  run: Run,
): Map<string, Related> {
  const related = new Map<string, Related>();
  const add = (image: string, isBundle: boolean, owner: string, bundle: string): void => {
    const use = related.get(image) ?? { isBundle, packages: new Set(), bundles: new Set() };
    use.isBundle ||= isBundle;
    use.packages.add(owner);
    use.bundles.add(bundle);
    related.set(image, use);
  };
  for (const [owner, chosen] of selection.packages) {
    for (const name of chosen.bundles.keys()) {
      const bundle = content.get(owner)?.bundles.get(name);
      if (!bundle) continue;
      for (const image of bundle.relatedImages) add(image, image === bundle.image, owner, name);
      if (bundle.image === '' || bundle.relatedImages.includes(bundle.image)) continue;
      addNote(
        collector,
        {
          code: 'CATALOG_BUNDLE_IMAGE_ADDED',
          subject: entry.catalog,
          message: `bundle ${name} does not list its own image among its related images; it is carried all the same`,
        },
        run,
      );
      add(bundle.image, true, owner, name);
    }
  }
  return related;
}
