import { queryTypes, type Rcode, typesBesideAlias } from './codes.ts';
import { type DomainName, isWithin, joinLabels, nameLabels } from './name.ts';
import { findRecordType, type RRset, recordTypeNumbers } from './rrset.ts';
import { findCut, findIndexedZone, findNode, type IndexedZone, type ZoneNode, type ZoneTable } from './zone-index.ts';

/** What an authoritative server has to say to a question. */
export interface ZoneAnswer {
  readonly rcode: Rcode;
  readonly authoritative: boolean;
  readonly answers: readonly RRset[];
  readonly authority: readonly RRset[];
  readonly additional: readonly RRset[];
}

const refused: ZoneAnswer = { rcode: 'REFUSED', authoritative: false, answers: [], authority: [], additional: [] };
// As many as BIND 9.18.29 and newer follow (max-query-restarts 11).
const maxChain = 12;

/**
 * Looks a question up: wildcards, empty non-terminals, CNAMEs followed inside their zone, referrals at cuts; REFUSED outside all zones.
 * ANY gets one RRset (RFC 8482 §4.1), so that nobody can be flooded with the rest.
 * @see RFC 1034 §4.3.2, RFC 4592, RFC 2308
 */
export function answerQuestion(table: ZoneTable, labels: readonly string[], type: number): ZoneAnswer {
  const zone = findZoneOf(table, labels, type);
  if (!zone) return refused;
  const answers: RRset[] = [];
  let name = joinLabels(labels);
  for (let step = 0; step < maxChain; step += 1) {
    const cut = findCut(zone, name);
    if (cut !== undefined && !(type === queryTypes.DS && cut === name)) return referral(zone, cut, answers);
    const node = findNode(zone, name);
    if (!node) return negative(zone, 'NXDOMAIN', answers, type);
    const alias = followsAlias(type) ? node.get('CNAME') : undefined;
    if (alias?.type !== 'CNAME') {
      const found = findInNode(node, type);
      return found ? positive([...answers, { ...found, name }]) : negative(zone, 'NOERROR', answers, type);
    }
    answers.push({ ...alias, name });
    const target = alias.values[0];
    if (target === undefined || !isWithin(target, zone.name)) return positive(answers);
    if (answers.some((one) => one.name === target)) break;
    // A target in another zone of ours is that zone's to answer; BIND does not follow either without recursion.
    if (findZoneOf(table, nameLabels(target), type) !== zone) return positive(answers);
    name = target;
  }
  // A loop, or a chain so long that it may be meant to keep servers busy.
  return { ...positive(answers), rcode: 'SERVFAIL' };
}

/** The zone that answers. DS lives on the parent's side of a cut (RFC 4035 §3.1.4.1), also where an alias leads to it. */
function findZoneOf(table: ZoneTable, labels: readonly string[], type: number): IndexedZone | undefined {
  const parent = type === queryTypes.DS ? findIndexedZone(table, labels, true) : undefined;
  return parent ?? findIndexedZone(table, labels);
}

function followsAlias(type: number): boolean {
  return type !== recordTypeNumbers.CNAME && type !== queryTypes.ANY && !typesBesideAlias.includes(type);
}

function findInNode(node: ZoneNode, type: number): RRset | undefined {
  if (type === queryTypes.ANY) return [...node.values()][0];
  const held = findRecordType(type);
  return held && node.get(held);
}

function positive(answers: readonly RRset[]): ZoneAnswer {
  return { rcode: 'NOERROR', authoritative: true, answers, authority: [], additional: [] };
}

function negative(zone: IndexedZone, rcode: Rcode, answers: readonly RRset[], type: number): ZoneAnswer {
  // As BIND's zero-no-soa-ttl: who asks for an SOA looks for zone cuts, and must not take the absence of one into a cache.
  const soa =
    rcode === 'NXDOMAIN' && type === recordTypeNumbers.SOA ? { ...zone.negative, ttlSeconds: 0 } : zone.negative;
  return { rcode, authoritative: true, answers, authority: [soa], additional: [] };
}

function referral(zone: IndexedZone, cut: DomainName, answers: readonly RRset[]): ZoneAnswer {
  const servers = zone.nodes.get(cut)?.get('NS');
  const names = servers?.type === 'NS' ? servers.values : [];
  const glue = names.flatMap((name) => {
    const node = zone.nodes.get(name);
    return [node?.get('A'), node?.get('AAAA')].filter((rrset) => rrset !== undefined);
  });
  return {
    rcode: 'NOERROR',
    authoritative: answers.length > 0,
    answers,
    authority: servers ? [servers] : [],
    additional: glue,
  };
}
