import type { OperatorCatalog } from '../../config/index.ts';
import { errorText } from '../../core/errors.ts';
import { readFileLimited } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import type { SelectedCatalog } from '../../plan/index.ts';
import type { CatalogContent } from '../catalog/content.ts';
import type { CatalogSelection } from '../catalog/filter.ts';
import { field, text } from '../catalog/values.ts';
import { readYaml } from '../helm/chart.ts';
import type { CatalogImage } from './catalog-image.ts';
import type { BuiltCatalog } from './catalog-names.ts';
import { addNote, type Collector } from './collector.ts';

/** What `plan` and the cluster resources say of a catalog: every kept bundle with its reason. */
export async function describeCatalog(
  collector: Collector,
  entry: OperatorCatalog,
  image: CatalogImage,
  facts: BuiltCatalog & { readonly content: CatalogContent; readonly selection: CatalogSelection },
  run: Run,
): Promise<SelectedCatalog> {
  const template = await readSourceTemplate(collector, entry, run);
  return {
    origin: entry.catalog,
    digest: image.closure.root.digest,
    targetDigest: facts.targetDigest,
    repository: facts.target.repository,
    tag: facts.target.tag,
    packages: [...facts.selection.packages.values()]
      .map((chosen) => ({
        name: chosen.name,
        defaultChannel: chosen.defaultChannel,
        channels: [...chosen.channels].map(([name, bundles]) => ({
          name,
          bundles: [...bundles].map((bundle) => ({
            name: bundle,
            version: facts.content.get(chosen.name)?.bundles.get(bundle)?.version ?? '',
            reason: chosen.bundles.get(bundle) ?? '',
          })),
        })),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(template === undefined ? {} : { sourceTemplate: template }),
  };
}

/** The text of an entry's `targetCatalogSourceTemplate`; without one that can be read the plain form is used, with a note, as in oc-mirror. */
export async function readSourceTemplate(
  collector: Collector,
  entry: OperatorCatalog,
  run: Run,
): Promise<string | undefined> {
  if (!entry.targetCatalogSourceTemplate) return undefined;
  try {
    const template = (await readFileLimited(entry.targetCatalogSourceTemplate, run, 1 << 20)).toString('utf8');
    if (namesCache(template))
      addNote(
        collector,
        {
          code: 'CATALOG_TEMPLATE_CACHE',
          subject: entry.catalog,
          message:
            'its targetCatalogSourceTemplate names a cacheDir, but what the image has there is the cache of the unfiltered catalog, with which opm does not start; leave cacheDir out',
        },
        run,
      );
    return template;
  } catch (error) {
    addNote(
      collector,
      {
        code: 'CATALOG_TEMPLATE_UNREADABLE',
        subject: entry.catalog,
        message: `its targetCatalogSourceTemplate is not used: ${errorText(error)}`,
      },
      run,
    );
    return undefined;
  }
}

/** Whether a CatalogSource has the content of its image extracted with a cache. @see operator-framework/api, "ExtractContentConfig" */
function namesCache(template: string): boolean {
  const path = ['spec', 'grpcPodConfig', 'extractContent', 'cacheDir'];
  return text(path.reduce<unknown>(field, readYaml(template))) !== '';
}
