import ignore from 'ignore';

/** Name of the files that say what of a catalog's folder is no catalog content. */
export const ignoreFileName = '.indexignore';

interface Rule {
  /** Folder that the rule was found in, with final slash; '' for the root. */
  readonly folder: string;
  readonly isInclusion: boolean;
  readonly matches: (below: string) => boolean;
}

/**
 * Whether a catalog file is left out by the `.indexignore` files of its catalog, given as path → text. Patterns are those of `.gitignore`; the
 * last one that fits decides, those of deeper folders after those above. Unlike in Git, what is below a folder that is left out can be put
 * in again, as operator-registry has it: so each pattern is asked by itself.
 * @see operator-registry alpha/declcfg, "walkFiles"; github.com/joelanford/ignore
 */
export function createIgnoreTest(files: ReadonlyMap<string, string>): (path: string) => boolean {
  const rules = [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, content]) => parseRules(path.slice(0, -ignoreFileName.length), content))
    .reverse();
  return (path) => {
    const rule = rules.find(({ folder, matches }) => path.startsWith(folder) && matches(path.slice(folder.length)));
    return rule !== undefined && !rule.isInclusion;
  };
}

function parseRules(folder: string, content: string): Rule[] {
  return content.split('\n').flatMap((line) => {
    const pattern = line.trim();
    if (pattern === '' || pattern.startsWith('#')) return [];
    const isInclusion = pattern.startsWith('!');
    const matcher = ignore({ ignorecase: false, allowRelativePaths: true }).add(
      isInclusion ? pattern.slice(1) : pattern,
    );
    return [{ folder, isInclusion, matches: (below) => below !== '' && matcher.ignores(below) }];
  });
}
