/** Response codes. @see IANA DNS parameters */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

export type Rcode = keyof typeof rcodes;

/** Types that a question may name but no zone holds. */
export const queryTypes = {
  OPT: 41,
  DS: 43,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
} as const;

export const classInternet = 1;

/** Types that may stand beside a CNAME, and so are not looked for at its target: SIG, KEY, RRSIG, NSEC. @see RFC 4035 §2.5 */
export const typesBesideAlias: readonly number[] = [24, 25, 46, 47];
