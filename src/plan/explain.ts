import type { SelectedPackage } from './facts.ts';
import type { Plan } from './plan.ts';

/** A bundle, why it is in, and the bytes that the next generation carries because of it. */
export interface ExplainedBundle {
  readonly name: string;
  readonly version: string;
  readonly reason: string;
  readonly addedBytes: number;
}

/** A package of a catalog, channel by channel. */
export interface ExplainedPackage {
  readonly catalog: string;
  readonly name: string;
  readonly defaultChannel: string;
  readonly addedBytes: number;
  readonly channels: readonly {
    readonly name: string;
    readonly addedBytes: number;
    readonly bundles: readonly ExplainedBundle[];
  }[];
}

/** Images with one reason that is no operator package: a release, the additional images, a chart. */
export interface ExplainedReason {
  readonly reason: string;
  readonly images: number;
  readonly addedBytes: number;
}

/**
 * Why everything is in, and what it adds. Each blob counts once, for the first image that needs it, so that the bytes of all reasons and
 * packages together are those of the next generation's blobs. A bundle in two channels counts in both.
 */
export interface Explanation {
  readonly packages: readonly ExplainedPackage[];
  readonly others: readonly ExplainedReason[];
}

/** Explains a plan from the plan alone. */
export function explainPlan(plan: Plan): Explanation {
  const ofOrigin = new Map<string, number>();
  for (const { origin, size } of plan.blobs) ofOrigin.set(origin, (ofOrigin.get(origin) ?? 0) + size);
  const ofBundle = new Map<string, number>();
  const ofReason = new Map<string, { images: number; addedBytes: number }>();
  for (const { origin, operators, reason } of plan.images) {
    const bytes = ofOrigin.get(origin) ?? 0;
    // An image may have several names: its bytes count for the first.
    ofOrigin.delete(origin);
    const bundle = operators?.bundles[0];
    if (bundle !== undefined) {
      ofBundle.set(bundle, (ofBundle.get(bundle) ?? 0) + bytes);
      continue;
    }
    // Every component of a release is of that release.
    const key = reason.replace(/^(release \S+ \S+):.*$/, '$1').replace(/ of .*$/, 's');
    const known = ofReason.get(key) ?? { images: 0, addedBytes: 0 };
    ofReason.set(key, { images: known.images + 1, addedBytes: known.addedBytes + bytes });
  }
  return {
    packages: plan.catalogs.flatMap((catalog) =>
      catalog.packages.map((one) => explainPackage(catalog.origin, one, ofBundle)),
    ),
    others: [...ofReason].map(([reason, counted]) => ({ reason, ...counted })),
  };
}

/** Takes the bytes of its bundles: another catalog may hold a bundle of the same name. */
function explainPackage(
  catalog: string,
  { name, defaultChannel, channels }: SelectedPackage,
  ofBundle: Map<string, number>,
): ExplainedPackage {
  const namesOf = (list: SelectedPackage['channels']): string[] =>
    list.flatMap((channel) => channel.bundles.map((bundle) => bundle.name));
  const explained = {
    catalog,
    name,
    defaultChannel,
    addedBytes: sumBundles(namesOf(channels), ofBundle),
    channels: channels.map((channel) => ({
      name: channel.name,
      addedBytes: sumBundles(namesOf([channel]), ofBundle),
      bundles: channel.bundles.map((bundle) => ({ ...bundle, addedBytes: ofBundle.get(bundle.name) ?? 0 })),
    })),
  };
  for (const bundle of namesOf(channels)) ofBundle.delete(bundle);
  return explained;
}

function sumBundles(names: readonly string[], bytes: ReadonlyMap<string, number>): number {
  return [...new Set(names)].reduce((sum, name) => sum + (bytes.get(name) ?? 0), 0);
}
