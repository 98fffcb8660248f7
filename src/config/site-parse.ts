import path from 'node:path';
import type * as z from 'zod';
import { describe } from './decode.ts';
import { readDocument } from './document.ts';
import { Faults, type Parsed } from './faults.ts';
import { knownHint } from './nearest.ts';
import { type ConfigNode, findEntry, findNode, type Position, toPlain } from './node.ts';
import type { Site } from './site.ts';
import { completeSite } from './site-complete.ts';
import { repairSite } from './site-repair.ts';
import { checkSite } from './site-rules.ts';
import { knownKeys, siteSchema } from './site-schema.ts';

/** How to read a site. */
export interface ParseSiteOptions {
  /** Absolute path of the folder at which relative paths start. */
  readonly folder: string;
}

/** Reads a site file (design §2): decode, defaults, rules; all faults at once. `fileName` is what the findings call it. */
export function parseSite(text: string, fileName: string, options: ParseSiteOptions): Parsed<Site> {
  const faults = new Faults(fileName);
  const document = readDocument(text, faults, '1.2');
  if (!document) return { value: undefined, findings: faults.list() };
  if (!document.isAlone)
    faults.error('CONFIG_SYNTAX', [], 'a site file holds one YAML document', 'remove what follows the line "---"');
  if (isImageSetFile(document.root)) {
    const hint = 'an ImageSetConfiguration is given with -c, not with -f';
    faults.error('CONFIG_KIND', ['kind'], 'is that of an image set, and not of a site', hint);
    return { value: undefined, findings: faults.list() };
  }
  const plain = toPlain(document.root);
  const decoded = siteSchema.safeParse(plain);
  const file = path.resolve(options.folder, path.basename(fileName));
  if (!decoded.success) {
    for (const issue of decoded.error.issues) addIssue(issue, faults);
    checkRest(plain, decoded.error.issues, file, faults);
    return { value: undefined, findings: faults.list() };
  }
  const site = completeSite(decoded.data, file);
  checkSite(site, decoded.data, faults);
  return { value: faults.failed ? undefined : site, findings: faults.list() };
}

/** Its fields are not to be told one by one. */
function isImageSetFile(root: ConfigNode): boolean {
  const [kind, apiVersion] = ['kind', 'apiVersion'].map((key) => {
    const node = findEntry(root, key)?.node;
    return node?.kind === 'scalar' ? String(node.value) : '';
  });
  return /^(?:Delete)?ImageSetConfiguration$/.test(kind ?? '') && /^mirror\.openshift\.io\//.test(apiVersion ?? '');
}

type Issue = z.core.$ZodIssue;

/** What the rules have to say beside what the schema refused. */
function checkRest(plain: unknown, issues: readonly Issue[], file: string, faults: Faults): void {
  const repaired = repairSite(plain, issues);
  const decoded = siteSchema.safeParse(repaired.plain);
  if (!decoded.success) return;
  const rest = faults.fork();
  checkSite(completeSite(decoded.data, file), decoded.data, rest);
  faults.adopt(rest, repaired.stands);
}

/** One finding for each thing that the schema library says. */
function addIssue(issue: Issue, faults: Faults): void {
  const at = issue.path.filter((step): step is string | number => typeof step !== 'symbol');
  const node = faults.root && findNode(faults.root, at);
  // The library goes on to check the length of what has the wrong type.
  if (issue.code !== 'unrecognized_keys' && faults.touches(at, true)) return;
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      const entry = node && findEntry(node, key);
      faults.error(
        'CONFIG_UNKNOWN_FIELD',
        [...at, key],
        `unknown field "${key}"`,
        knownHint(key, knownKeys(at)),
        entry?.keyPosition,
      );
    }
  } else if (!node || (node.kind === 'scalar' && node.value === null)) {
    faults.error(
      at.at(-1) === 'kind' || at.at(-1) === 'apiVersion' ? 'CONFIG_KIND' : 'CONFIG_MISSING',
      at,
      `"${at.at(-1) ?? 'apiVersion'}" is missing or empty`,
    );
  } else if (issue.code === 'invalid_type') {
    const hint = typeHint(issue.expected, node);
    faults.error(
      'CONFIG_TYPE',
      at,
      `has to be ${typeWords[issue.expected] ?? issue.expected}, but is ${describe(node)}`,
      hint,
    );
  } else if (issue.code === 'invalid_key') {
    const said = issue.issues[0]?.message ?? issue.message;
    faults.error('CONFIG_VALUE', at, `key "${String(at.at(-1))}" ${said}`, undefined, keyPosition(faults, at));
  } else if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const text = node.kind === 'scalar' ? String(node.value) : undefined;
    const isImageSet = at[0] === 'kind' && text === 'ImageSetConfiguration';
    const nearest = text !== undefined && values.length > 1 ? knownHint(text, values) : undefined;
    const hint = isImageSet ? 'an ImageSetConfiguration is given with -c, not with -f' : nearest;
    const code = at.length === 1 ? 'CONFIG_KIND' : 'CONFIG_VALUE';
    faults.error(
      code,
      at,
      `has to be ${values.map((value) => `"${value}"`).join(' or ')}, but is ${describe(node)}`,
      hint,
    );
  } else {
    faults.error('CONFIG_VALUE', at, `${issueText(issue)}, but is ${describe(node)}`);
  }
}

function keyPosition(faults: Faults, path: readonly (string | number)[]): Position | undefined {
  const holder = faults.root && findNode(faults.root, path.slice(0, -1));
  return holder && findEntry(holder, String(path.at(-1)))?.keyPosition;
}

function typeHint(expected: string, node: ConfigNode): string | undefined {
  if (node.kind !== 'scalar') return undefined;
  if (expected === 'string') return `put it in quotes: "${node.source}"`;
  if (expected === 'array') return `write [${node.source}]`;
  const bare = expected === 'boolean' ? /^(?:true|false)$/ : /^[0-9]+$/;
  return bare.test(String(node.value)) && typeof node.value === 'string' ? 'take the quotes away' : undefined;
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function issueText(issue: Issue): string {
  if (issue.message.startsWith('has to ')) return issue.message;
  if (issue.code === 'too_big')
    return `has to be at most ${issue.maximum}${issue.origin === 'array' ? ' entries' : ''}`;
  if (issue.code === 'too_small')
    return `has to be at least ${issue.minimum}${issue.origin === 'array' ? ' entries' : ''}`;
  return `is not right (${issue.message})`;
}
