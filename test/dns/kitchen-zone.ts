import { assembleZone, parseDomainName as n, type RRset, type Zone } from '../../src/dns/index.ts';

/** A zone with everything that is easy to get wrong, of the names that `keep` lets through. */
export function kitchenZone(keep: (name: string) => boolean = () => true): Zone {
  const a = (name: string, ...values: string[]): RRset => ({
    name: n(`${name}kitchen.test`),
    type: 'A',
    ttlSeconds: 300,
    values,
  });
  const cname = (name: string, target: string, ttlSeconds = 300): RRset => ({
    name: n(`${name}.kitchen.test`),
    type: 'CNAME',
    ttlSeconds,
    values: [n(target)],
  });
  const ns = (name: string, ...values: string[]): RRset => ({
    name: n(`${name}kitchen.test`),
    type: 'NS',
    ttlSeconds: 600,
    values: values.map(n),
  });
  const soa = {
    primary: n('ns.kitchen.test'),
    mailbox: n('cook.kitchen.test'),
    serial: 7,
    refreshSeconds: 3600,
    retrySeconds: 600,
    expireSeconds: 86400,
    negativeSeconds: 60,
  };
  const rrsets: RRset[] = [
    ns('', 'ns.kitchen.test', 'ns.elsewhere.test'),
    a('', '192.0.2.5'),
    a('ns.', '192.0.2.53'),
    a('*.oven.', '192.0.2.60', '192.0.2.61'),
    a('grill.oven.', '192.0.2.62'),
    a('deep.down.oven.', '192.0.2.63'),
    {
      name: n('*.oven.kitchen.test'),
      type: 'TXT',
      ttlSeconds: 30,
      values: ['hot', 'x'.repeat(300), 'quote " and \\ back'],
    },
    a('leaf.a.b.c.', '192.0.2.70'),
    cname('spoon', 'ladle.kitchen.test', 77),
    cname('ladle', 'grill.oven.kitchen.test'),
    cname('gone', 'missing.kitchen.test'),
    cname('half', 'leaf.a.b.c.kitchen.test'),
    cname('empty', 'a.b.c.kitchen.test'),
    cname('outside', 'www.elsewhere.test'),
    cname('sibling', 'registry.lab.example.com'),
    cname('towild', 'any.thing.oven.kitchen.test'),
    cname('*.alias', 'any.oven.kitchen.test'),
    cname('loop1', 'loop2.kitchen.test'),
    cname('loop2', 'loop1.kitchen.test'),
    cname('intocut', 'host.cellar.kitchen.test'),
    ...Array.from({ length: 20 }, (_, i) => cname(`chain${i}`, `chain${i + 1}.kitchen.test`)),
    a('chain20.', '192.0.2.90'),
    cname('toannex', 'host.annex.kitchen.test'),
    ns('annex.', 'ns.kitchen.test'),
    ns('cellar.', 'ns.cellar.kitchen.test', 'ns.kitchen.test'),
    a('ns.cellar.', '192.0.2.80'),
    a('big.', ...Array.from({ length: 90 }, (_, i) => `198.51.100.${i}`)),
    {
      name: n('_etcd-server-ssl._tcp.kitchen.test'),
      type: 'SRV',
      ttlSeconds: 300,
      values: [{ priority: 0, weight: 10, port: 2380, target: n('ns.kitchen.test') }],
    },
  ];
  return assembleZone(
    n('kitchen.test'),
    soa,
    300,
    rrsets.filter((rrset) => keep(rrset.name)),
  );
}

/** A part of the kitchen's zone that is a zone of its own, on the same server. */
export function annexZone(): Zone {
  const soa = { ...kitchenZone().soa, serial: 8 };
  return assembleZone(n('annex.kitchen.test'), soa, 300, [
    { name: n('annex.kitchen.test'), type: 'NS', ttlSeconds: 300, values: [n('ns.kitchen.test')] },
    { name: n('host.annex.kitchen.test'), type: 'A', ttlSeconds: 300, values: ['192.0.2.95'] },
    { name: n('back.annex.kitchen.test'), type: 'CNAME', ttlSeconds: 300, values: [n('ns.kitchen.test')] },
  ]);
}
