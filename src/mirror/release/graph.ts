import type { Version } from '../../config/index.ts';
import { compareVersions, findStrictVersion } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';

/** A release in an update graph. */
export interface ReleaseNode {
  readonly version: string;
  readonly parsed: Version;
  /** Image reference of the payload. */
  readonly payload: string;
}

/** A risk that the update service knows on an edge (`conditionalEdges`). */
export interface EdgeRisk {
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly message: string;
  readonly url: string;
}

/** What the update service knows about a channel on one architecture. */
export interface UpdateGraph {
  readonly nodes: readonly ReleaseNode[];
  /** From version to the versions that it can be updated to. Unconditional edges only, as in oc-mirror. */
  readonly edges: ReadonlyMap<string, readonly string[]>;
  readonly risks: readonly EdgeRisk[];
}

/**
 * Decodes an answer of the update service. Nodes whose version is no strict semver are left out: no range could hold them.
 * @throws AirlockError RELEASE_CHANNEL_FAILED @see Cincinnati graph API, schema v1 (reference §6.1)
 */
export function parseUpdateGraph(body: string): UpdateGraph {
  const fail = (why: string): never => {
    throw new AirlockError('RELEASE_CHANNEL_FAILED', `the answer of the update service is no update graph: ${why}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    fail('no JSON');
  }
  const nodes = list(field(json, 'nodes'));
  if (!Array.isArray(field(json, 'nodes'))) fail('it has no nodes');
  const names = nodes.map((node) => text(field(node, 'version')));
  const edges = new Map<string, string[]>();
  for (const edge of list(field(json, 'edges'))) {
    const [from, to] = list(edge).map((index) => (typeof index === 'number' ? names[index] : undefined));
    if (from === undefined || to === undefined) return fail('an edge names a node that is not there');
    edges.set(from, [...(edges.get(from) ?? []), to]);
  }
  return {
    nodes: nodes.flatMap((node) => {
      const parsed = findStrictVersion(text(field(node, 'version')));
      return parsed ? [{ version: text(field(node, 'version')), parsed, payload: text(field(node, 'payload')) }] : [];
    }),
    edges,
    risks: list(field(json, 'conditionalEdges')).flatMap(parseRisks),
  };
}

function parseRisks(group: unknown): EdgeRisk[] {
  return list(field(group, 'edges')).flatMap((edge) =>
    list(field(group, 'risks')).map((risk) => ({
      from: text(field(edge, 'from')),
      to: text(field(edge, 'to')),
      name: text(field(risk, 'name')),
      message: text(field(risk, 'message')),
      url: text(field(risk, 'url')),
    })),
  );
}

/** The node of a version; build metadata counts, as versions are compared as text first. */
export function findNode(graph: UpdateGraph, version: string): ReleaseNode | undefined {
  const wanted = findStrictVersion(version);
  return (
    graph.nodes.find((node) => node.version === version) ??
    graph.nodes.find((node) => wanted !== undefined && compareVersions(node.parsed, wanted) === 0)
  );
}

/** Nodes in ascending order. */
export function sortNodes(nodes: readonly ReleaseNode[]): ReleaseNode[] {
  return [...nodes].sort((a, b) => compareVersions(a.parsed, b.parsed) || (a.version < b.version ? -1 : 1));
}

/**
 * The nodes of a shortest update path, both ends among them; undefined when there is none. Breadth-first, neighbours in descending order of
 * version, so that of several shortest paths the one by newer releases is taken (reference §6.3).
 */
export function findShortestPath(graph: UpdateGraph, from: string, to: string): ReleaseNode[] | undefined {
  const nodes = new Map(graph.nodes.map((node) => [node.version, node]));
  const before = new Map<string, string | undefined>([[from, undefined]]);
  const queue = [from];
  for (let at = queue.shift(); at !== undefined && !before.has(to); at = queue.shift()) {
    const next = (graph.edges.get(at) ?? []).flatMap((version) => nodes.get(version) ?? []);
    for (const node of sortNodes(next).reverse()) {
      if (before.has(node.version)) continue;
      before.set(node.version, at);
      queue.push(node.version);
    }
  }
  if (!before.has(to)) return undefined;
  const path: ReleaseNode[] = [];
  for (let at: string | undefined = to; at !== undefined; at = before.get(at)) {
    const node = nodes.get(at);
    if (node) path.unshift(node);
  }
  return path;
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
