import { ipBytes } from '../core/ip.ts';
import { classInternet, queryTypes } from './codes.ts';
import { type DomainName, joinLabels, nameLabels } from './name.ts';
import type { Question } from './query.ts';
import { type RRset, recordTypeNumbers, txtChunks } from './rrset.ts';

/** An RRset that may bring its addresses as bytes, since reading them from text for each answer would take most of its time. */
export type WritableRRset = RRset & { readonly addressBytes?: readonly Uint8Array[] };

/** Writes a message front to back, compressing names against those written before (RFC 1035 §4.1.4). */
export class MessageWriter {
  #buffer = Buffer.allocUnsafe(512);
  #length = 0;
  readonly #offsets = new Map<string, number>();

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  raw(bytes: ArrayLike<number>): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The question as it came; its names become targets of compression, so that answers repeat its case. */
  question(question: Question): void {
    this.#remember(question.labels, this.#length);
    this.raw(question.bytes);
  }

  /** As many whole sets as fit below `limitBytes`. */
  rrsets(rrsets: readonly WritableRRset[], limitBytes: number): { count: number; whole: boolean } {
    let count = 0;
    for (const rrset of rrsets) {
      const start = this.#length;
      this.#rrset(rrset);
      if (this.#length > limitBytes) {
        this.#forget(start);
        return { count, whole: false };
      }
      count += rrset.values.length;
    }
    return { count, whole: true };
  }

  opt(edns: { payloadBytes: number; dnssecOk: boolean }, extendedRcode: number): void {
    this.raw([0]);
    this.#u16(queryTypes.OPT);
    this.#u16(edns.payloadBytes);
    this.raw([extendedRcode, 0, edns.dnssecOk ? 0x80 : 0, 0, 0, 0]);
  }

  #rrset(rrset: WritableRRset): void {
    const one = (data: () => void): void => {
      this.#name(rrset.name);
      this.#u16(recordTypeNumbers[rrset.type]);
      this.#u16(classInternet);
      this.#u32(rrset.ttlSeconds);
      const lengthAt = this.#length;
      this.#u16(0);
      data();
      this.#buffer.writeUInt16BE(this.#length - lengthAt - 2, lengthAt);
    };
    switch (rrset.type) {
      case 'A':
      case 'AAAA':
        for (const bytes of rrset.addressBytes ?? rrset.values.map(ipBytes)) one(() => this.raw(bytes));
        break;
      case 'NS':
      case 'CNAME':
      case 'PTR':
        for (const target of rrset.values) one(() => this.#name(target));
        break;
      case 'TXT':
        for (const text of rrset.values)
          one(() => {
            for (const chunk of txtChunks(text)) this.raw([chunk.length, ...chunk]);
          });
        break;
      case 'SRV':
        for (const srv of rrset.values)
          one(() => {
            for (const number of [srv.priority, srv.weight, srv.port]) this.#u16(number);
            // RFC 2782: the target of an SRV is not compressed.
            this.#plainName(srv.target);
          });
        break;
      case 'SOA':
        for (const soa of rrset.values)
          one(() => {
            this.#name(soa.primary);
            this.#name(soa.mailbox);
            for (const number of [soa.serial, soa.refreshSeconds, soa.retrySeconds, soa.expireSeconds])
              this.#u32(number);
            this.#u32(soa.negativeSeconds);
          });
    }
  }

  #name(name: DomainName): void {
    // Most names of an answer are whole names that were written before.
    if (this.#pointer(name)) return;
    const labels = nameLabels(name);
    for (let i = 0; i < labels.length; i += 1) {
      const suffix = joinLabels(labels.slice(i));
      if (this.#pointer(suffix)) return;
      if (this.#length < 0x4000) this.#offsets.set(suffix, this.#length);
      this.#label(labels[i] ?? '');
    }
    this.raw([0]);
  }

  #pointer(name: DomainName): boolean {
    const offset = this.#offsets.get(name);
    if (offset !== undefined) this.#u16(0xc000 | offset);
    return offset !== undefined;
  }

  #plainName(name: DomainName): void {
    for (const label of nameLabels(name)) this.#label(label);
    this.raw([0]);
  }

  #label(label: string): void {
    const bytes = Buffer.from(
      label.replace(/\\(\d{3}|.)/g, (_, code: string) =>
        code.length === 3 ? String.fromCharCode(Number(code)) : code,
      ),
      'latin1',
    );
    this.raw([bytes.length, ...bytes]);
  }

  #remember(labels: readonly string[], start: number): void {
    let at = start;
    for (let i = 0; i < labels.length; i += 1) {
      this.#offsets.set(joinLabels(labels.slice(i)), at);
      at += 1 + (labels[i] ?? '').replace(/\\(\d{3}|.)/g, '.').length;
    }
  }

  #forget(start: number): void {
    this.#length = start;
    for (const [suffix, offset] of this.#offsets) if (offset >= start) this.#offsets.delete(suffix);
  }

  #u16(value: number): void {
    this.#reserve(2);
    this.#length = this.#buffer.writeUInt16BE(value, this.#length);
  }

  #u32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32BE(value >>> 0, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
