/** A made-up catalog as plain data; `write` renders it. */
export interface RandomPackage {
  readonly name: string;
  readonly defaultChannel: string;
  readonly channels: readonly { readonly name: string; readonly entries: readonly RandomEntry[] }[];
  readonly bundles: readonly { readonly name: string; readonly version: string }[];
  readonly deprecations: readonly { readonly schema: string; readonly name?: string }[];
}

export interface RandomEntry {
  readonly name: string;
  readonly replaces?: string;
  readonly skips?: readonly string[];
}

export interface Dice {
  /** 0 … count-1. */
  roll(count: number): number;
  chance(of: number): boolean;
  pick<T>(from: readonly T[]): T;
  shuffle<T>(from: readonly T[]): T[];
}

export function diceOf(random: () => number): Dice {
  const roll = (count: number): number => Math.floor(random() * count);
  return {
    roll,
    chance: (of) => random() < of,
    pick: (from) => from[roll(from.length)] as (typeof from)[number],
    shuffle: (from) =>
      from
        .map((one) => [random(), one] as const)
        .sort(([a], [b]) => a - b)
        .map(([, one]) => one),
  };
}

/** A package whose channels opm takes: wired at random, thrown again until `isSound` says so. */
export function randomPackage(
  name: string,
  dice: Dice,
  isSound: (entries: readonly RandomEntry[]) => boolean,
): RandomPackage {
  const bundles = randomVersions(dice).map((version) => ({ name: `${name}.v${version}`, version }));
  const channels = dice.shuffle(['stable', 'fast', 'candidate', '4.1', 'beta']).slice(0, 1 + dice.roll(3));
  const wired = channels.map((channel) => ({ name: channel, entries: randomChannel(bundles, dice, isSound) }));
  const used = new Set(wired.flatMap((channel) => channel.entries.map((entry) => entry.name)));
  const deprecations = [
    ...(dice.chance(0.5) ? [{ schema: 'olm.package' }] : []),
    ...wired.filter(() => dice.chance(0.3)).map((one) => ({ schema: 'olm.channel', name: one.name })),
    ...bundles
      .filter((one) => used.has(one.name) && dice.chance(0.2))
      .map((one) => ({ schema: 'olm.bundle', name: one.name })),
  ];
  return {
    name,
    defaultChannel: dice.pick(channels),
    channels: wired,
    bundles: bundles.filter((one) => used.has(one.name)),
    deprecations: dice.chance(0.6) ? deprecations : [],
  };
}

function randomVersions(dice: Dice): string[] {
  const versions = new Set<string>();
  for (let [major, minor, patch] = [dice.roll(2), 0, 0], left = 1 + dice.roll(9); left > 0; left -= 1) {
    const ending = dice.chance(0.15) ? `-rc.${1 + dice.roll(3)}` : dice.chance(0.05) ? `+build.${dice.roll(9)}` : '';
    versions.add(`${major}.${minor}.${patch}${ending}`);
    if (dice.chance(0.2)) [major, minor, patch] = [major + 1, 0, 0];
    else if (dice.chance(0.5)) [minor, patch] = [minor + 1, 0];
    else patch += 1;
  }
  return [...versions];
}

/** Newest first mostly: each entry replaces one below, skips some below, and may name what is not there. */
function randomChannel(
  bundles: readonly { readonly name: string }[],
  dice: Dice,
  isSound: (entries: readonly RandomEntry[]) => boolean,
): RandomEntry[] {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const order = dice.chance(0.2) ? dice.shuffle(bundles) : bundles;
    const members = order.filter(() => dice.chance(0.7)).map((one) => one.name);
    const entries = members.map((name, at): RandomEntry => {
      const below = [
        ...members.slice(0, at),
        ...(dice.chance(0.1) ? ['gone.v0.0.1', dice.pick(bundles).name] : []),
      ].filter((one) => one !== name);
      const replaces =
        below.length > 0 && dice.chance(0.9) ? (dice.chance(0.7) ? members[at - 1] : dice.pick(below)) : undefined;
      const skips = below.filter(() => dice.chance(0.25));
      return { name, ...(replaces && replaces !== name ? { replaces } : {}), ...(skips.length > 0 ? { skips } : {}) };
    });
    const shuffled = dice.chance(0.5) ? dice.shuffle(entries) : entries;
    if (shuffled.length > 0 && isSound(shuffled)) return shuffled;
  }
  return [{ name: dice.pick(bundles).name }];
}

/** The documents of packages, in any order, with some that belong to nobody and some of foreign schemas. */
export function documentsOf(packages: readonly RandomPackage[], dice: Dice): object[] {
  const documents = packages.flatMap((one): object[] => [
    {
      schema: 'olm.package',
      name: one.name,
      defaultChannel: one.defaultChannel,
      icon: { base64data: 'PHN2Zy8+', mediatype: 'image/svg+xml' },
      description: `about <${one.name}> & more`,
    },
    ...one.channels.map((channel) => ({
      schema: 'olm.channel',
      package: one.name,
      name: channel.name,
      entries: channel.entries,
    })),
    ...one.bundles.map((bundle) => ({
      schema: 'olm.bundle',
      package: one.name,
      name: bundle.name,
      image: `registry.example.com/harbour/${one.name}-bundle:v${bundle.version.replace('+', '-')}`,
      properties: [
        { type: 'olm.gvk', value: { group: 'harbour.example', kind: 'Crane', version: 'v1' } },
        { type: 'olm.package', value: { packageName: one.name, version: bundle.version } },
        { type: 'olm.csv.metadata', value: { annotations: { createdAt: '2026-01-02' }, keywords: ['crane'] } },
      ],
      relatedImages: [
        { name: 'manager', image: `registry.example.com/harbour/${one.name}:${bundle.version.replace('+', '-')}` },
      ],
    })),
    ...(one.deprecations.length > 0
      ? [
          {
            schema: 'olm.deprecations',
            package: one.name,
            entries: one.deprecations.map((reference) => ({ reference, message: 'it is old' })),
          },
        ]
      : []),
    { schema: 'harbour.note', package: one.name, name: 'a note', zeta: 1, alpha: [2] },
  ]);
  return dice.shuffle([...documents, { schema: 'harbour.note', name: 'of nobody' }]);
}
