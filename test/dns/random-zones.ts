import { assembleZone, parseDomainName as n, type RRset, type Zone } from '../../src/dns/index.ts';

/** Numbers from 0 to below 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const labels = ['a', 'b', 'c', 'd', '*'];

/** A name of one to four labels out of five below the apex; a wildcard label only in front. */
export function randomName(random: () => number, apex: string): string {
  const pick = (count: number): string => labels[Math.floor(random() * count)] ?? 'a';
  const depth = 1 + Math.floor(random() * 4);
  return [...Array.from({ length: depth }, (_, i) => pick(i === 0 ? 5 : 4)), apex].join('.');
}

/** A zone of random names with wildcards, aliases, cuts and what lies below them: legal, and seldom sensible. */
export function randomZone(random: () => number, apex: string, rrsetCount: number): Zone {
  const soa = {
    primary: n('ns.elsewhere.test'),
    mailbox: n('cook.elsewhere.test'),
    serial: 1,
    refreshSeconds: 3600,
    retrySeconds: 600,
    expireSeconds: 86_400,
    negativeSeconds: 60,
  };
  const rrsets: RRset[] = [{ name: n(apex), type: 'NS', ttlSeconds: 300, values: [n('ns.elsewhere.test')] }];
  for (let i = 0; i < rrsetCount; i += 1) {
    const rrset = randomRRset(random, apex);
    const company = rrsets.filter((one) => one.name === rrset.name);
    const crowded = company.some((one) => one.type === 'CNAME' || rrset.type === 'CNAME' || one.type === rrset.type);
    if (!crowded) rrsets.push(rrset);
  }
  return assembleZone(n(apex), soa, 300, rrsets);
}

function randomRRset(random: () => number, apex: string): RRset {
  const name = n(randomName(random, apex));
  const common = { name, ttlSeconds: 10 + Math.floor(random() * 300) };
  const kind = random();
  if (kind < 0.3) return { ...common, type: 'A', values: [`192.0.2.${Math.floor(random() * 256)}`] };
  if (kind < 0.5) return { ...common, type: 'AAAA', values: [`2001:db8::${1 + Math.floor(random() * 9000)}`] };
  if (kind < 0.6) return { ...common, type: 'TXT', values: [`text ${Math.floor(random() * 100)}`] };
  if (kind < 0.72 && !name.startsWith('*')) return { ...common, type: 'NS', values: [n('ns.elsewhere.test')] };
  return { ...common, type: 'CNAME', values: [n(randomName(random, apex))] };
}
