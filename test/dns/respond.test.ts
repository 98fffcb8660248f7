import dnsPacket from 'dns-packet';
import { describe, expect, test } from 'vitest';
import { buildZones } from '../../src/dns/index.ts';
import { respond } from '../../src/dns/respond.ts';
import { indexZones } from '../../src/dns/zone-index.ts';
import { harbourSite } from './harbour-site.ts';
import { queryBytes } from './questioner.ts';

const table = indexZones(buildZones(harbourSite()));
const good = queryBytes({ name: 'registry.lab.example.com', type: 1 }, 7);
const edns = queryBytes({ name: 'registry.lab.example.com', type: 1, ednsBytes: 1232 }, 7);

function rcodeOf(message: Buffer): number | undefined {
  const response = respond(table, message, 'udp');
  return response && response.readUInt16BE(2) & 15;
}

function changed(message: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(message);
  change(copy);
  return copy;
}

describe('respond', () => {
  test('says nothing to answers and to less than a header', () => {
    expect(
      respond(
        table,
        changed(good, (m) => m.writeUInt16BE(0x8000, 2)),
        'udp',
      ),
    ).toBeUndefined();
    for (let length = 0; length < 12; length += 1)
      expect(respond(table, good.subarray(0, length), 'udp')).toBeUndefined();
  });

  test.each([
    ['no question', changed(good, (m) => m.writeUInt16BE(0, 4)), 1],
    ['two questions', changed(good, (m) => m.writeUInt16BE(2, 4)), 1],
    ['a cut question', good.subarray(0, good.length - 1), 1],
    ['bytes after the end', Buffer.concat([good, Buffer.from([0])]), 1],
    ['a pointer in the question', changed(good, (m) => m.writeUInt16BE(0xc00c, 12)), 1],
    ['a label of a reserved kind', changed(good, (m) => m.writeUInt8(0x80, 12)), 1],
    ['more records than there are', changed(good, (m) => m.writeUInt16BE(1, 10)), 1],
    ['two OPT records', changed(Buffer.concat([edns, edns.subarray(-11)]), (m) => m.writeUInt16BE(2, 10)), 1],
    ['a status query', changed(good, (m) => m.writeUInt16BE(2 << 11, 2)), 4],
    ['a notify', changed(good, (m) => m.writeUInt16BE(4 << 11, 2)), 4],
    ['an update', changed(good, (m) => m.writeUInt16BE(5 << 11, 2)), 4],
    ['a zone transfer', queryBytes({ name: 'lab.example.com', type: 252 }, 7), 5],
    ['an incremental transfer', queryBytes({ name: 'lab.example.com', type: 251 }, 7), 5],
    ['a foreign name', queryBytes({ name: 'quay.io', type: 1 }, 7), 5],
    ['the root', queryBytes({ name: '.', type: 2 }, 7), 5],
    ['another class', changed(good, (m) => m.writeUInt16BE(3, m.length - 2)), 5],
    ['a mail agent query', queryBytes({ name: 'lab.example.com', type: 254 }, 7), 4],
    ['a signature query', queryBytes({ name: 'lab.example.com', type: 250 }, 7), 1],
  ])('answers %s with the right code', (_, message, rcode) => {
    expect(rcodeOf(message)).toBe(rcode);
    expect(respond(table, message, 'udp')?.readUInt16BE(0)).toBe(7);
  });

  test('answers a newer EDNS version with BADVERS', () => {
    const response = respond(
      table,
      changed(edns, (m) => m.writeUInt8(1, m.length - 5)),
      'udp',
    );
    const opt = dnsPacket.decode(response ?? Buffer.alloc(0)).additionals?.[0];
    expect(opt).toMatchObject({ type: 'OPT', extendedRcode: 1, ednsVersion: 0, udpPayloadSize: 1232 });
  });

  test('repeats DO and RD, offers no recursion, and sends OPT only to who sent one', () => {
    const asked = changed(edns, (m) => {
      m.writeUInt16BE(0x0110, 2);
      m.writeUInt8(0x80, m.length - 4);
    });
    const response = respond(table, asked, 'udp') ?? Buffer.alloc(12);
    expect(response.readUInt16BE(2)).toBe(0x8510);
    expect(response.readUInt8(response.length - 4)).toBe(0x80);
    expect(respond(table, good, 'udp')?.readUInt16BE(10)).toBe(0);
  });

  test('keeps the case of the question, in the answer too', () => {
    const response =
      respond(table, queryBytes({ name: 'ReGiStRy.LaB.eXaMpLe.CoM', type: 1 }, 7), 'udp') ?? Buffer.alloc(12);
    const packet = dnsPacket.decode(response);
    expect(packet.questions?.[0]?.name).toBe('ReGiStRy.LaB.eXaMpLe.CoM');
    expect(packet.answers?.[0]?.name).toBe('ReGiStRy.LaB.eXaMpLe.CoM');
  });

  test('does not take a label with a dot inside for two labels', () => {
    const message = queryBytes({ name: 'registryxlab.example.com', type: 1 }, 7);
    message[12 + 1 + 'registry'.length] = 0x2e;
    expect(rcodeOf(message)).toBe(5);
  });

  test('compresses names, so that every answer of the site fits a plain datagram', () => {
    const response = respond(table, queryBytes({ name: 'api.hosted1.lab.example.com', type: 28 }, 7), 'udp');
    expect(response?.length).toBe(12 + 29 + 4 + 3 * (2 + 10 + 16));
  });

  test('answers nothing of a site with more than four times the bytes of the question', () => {
    const zones = buildZones(harbourSite());
    const ratios = zones.flatMap((zone) =>
      [zone.name, ...zone.rrsets.map((rrset) => rrset.name), `absent.${zone.name}`].flatMap((name) =>
        [1, 2, 6, 12, 16, 28, 255].map((type) => {
          const query = queryBytes({ name, type, ednsBytes: 4096 }, 1);
          return (respond(table, query, 'udp')?.length ?? 0) / query.length;
        }),
      ),
    );
    expect(Math.max(...ratios)).toBeLessThan(4);
  });
});
