import { ipBytes, parseIpPrefix } from '../core/ip.ts';

/** A prefix in bytes: rules compare every address with many of them, and parsing text each time would take seconds for a large site. */
export interface IpRange {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly lengthBits: number;
}

/** @throws AirlockError ADDRESS_INVALID */
export function toRange(text: string): IpRange {
  const { address, lengthBits, text: canonical } = parseIpPrefix(text);
  return { text: canonical, bytes: ipBytes(address.text), lengthBits };
}

/** Whether the address (4 or 16 bytes) lies in the range; false for another family. */
export function rangeContains(range: IpRange, address: Uint8Array): boolean {
  if (range.bytes.length !== address.length) return false;
  const whole = range.lengthBits >> 3;
  for (let index = 0; index < whole; index += 1) if (range.bytes[index] !== address[index]) return false;
  const rest = range.lengthBits & 7;
  if (rest === 0) return true;
  const mask = 0xff << (8 - rest);
  return ((range.bytes[whole] ?? 0) & mask) === ((address[whole] ?? 0) & mask);
}

/** Whether two ranges share an address. */
export function rangesOverlap(a: IpRange, b: IpRange): boolean {
  return rangeContains(a, b.bytes) || rangeContains(b, a.bytes);
}
