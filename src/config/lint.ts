import path from 'node:path';
import type { Finding } from '../core/findings.ts';
import { readDocument } from './document.ts';
import { Faults } from './faults.ts';
import { parseDeleteImageSet, parseImageSet } from './image-set-parse.ts';
import { findEntry } from './node.ts';
import { parseSite } from './site-parse.ts';

/**
 * The `kind` of the first YAML document, also where the text is damaged. A file without one is taken for what its keys make likely.
 * undefined when nothing tells.
 */
export function detectKind(text: string): string | undefined {
  const document = readDocument(text, new Faults(''));
  if (!document) return /^["']?kind["']?\s*:\s*["']?([A-Za-z]+)/m.exec(text)?.[1];
  const { root } = document;
  const kind = findEntry(root, 'kind');
  if (kind?.node.kind === 'scalar' && typeof kind.node.value === 'string') return kind.node.value;
  const apiVersion = findEntry(root, 'apiVersion')?.node;
  if (apiVersion?.kind === 'scalar' && /^airlock\//.test(apiVersion.source)) return 'Site';
  if (findEntry(root, 'mirror') || findEntry(root, 'storageConfig')) return 'ImageSetConfiguration';
  return findEntry(root, 'delete') ? 'DeleteImageSetConfiguration' : undefined;
}

/**
 * Every fault of a Site, ImageSetConfiguration or DeleteImageSetConfiguration; what has no kind is told so; nothing for
 * other kinds, which are linted elsewhere.
 */
export function lintConfigFile(file: string, text: string): readonly Finding[] {
  switch (detectKind(text)) {
    case 'Site':
      return parseSite(text, file, { folder: path.dirname(path.resolve(file)) }).findings;
    case 'ImageSetConfiguration':
      return parseImageSet(text, file).findings;
    case 'DeleteImageSetConfiguration':
      return parseDeleteImageSet(text, file).findings;
    case undefined:
      return lintUnknown(file, text);
    default:
      return [];
  }
}

function lintUnknown(file: string, text: string): readonly Finding[] {
  const faults = new Faults(file);
  if (readDocument(text, faults)) {
    const hint =
      'Site, ImageSetConfiguration and DeleteImageSetConfiguration have one, and so has every Kubernetes object';
    faults.error('CONFIG_KIND', [], 'configuration missing `kind`', hint);
  }
  return faults.list();
}
