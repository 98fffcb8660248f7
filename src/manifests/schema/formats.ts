import { findIpFamily, parseIpPrefix } from '../../core/ip.ts';

// The formats that the API server checks; others are words for people.
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text),
  ipv4: (text) => findIpFamily(text) === 4,
  ipv6: (text) => findIpFamily(text) === 6,
  cidr: isPrefix,
  uri: (text) => URL.canParse(text),
  hostname: (text) => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i.test(text) && text.length <= 253,
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  byte: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
  mac: (text) => /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text),
  duration: (text) => /^[+-]?(?:0|(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+)$/.test(text),
};

/** Whether a string fits a format; unknown formats fit. */
export function fitsFormat(text: string, format: string): boolean {
  return formats[format]?.(text) ?? true;
}

/** Whether a number fits `int32` or `int64`; other formats fit. */
export function fitsNumberFormat(value: number, format: string): boolean {
  if (format === 'int32') return Number.isInteger(value) && Math.abs(value) <= 2 ** 31;
  return format !== 'int64' || Number.isInteger(value);
}

function isPrefix(text: string): boolean {
  try {
    return parseIpPrefix(text).text !== '';
  } catch {
    return false;
  }
}
