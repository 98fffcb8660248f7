import type { ErrorTable } from '../core/errors.ts';

/** Codes of the DNS folder. */
export const dnsErrors: ErrorTable = {
  DNS_NAME_INVALID: { exit: 'usage', summary: 'Text is not a domain name.' },
  DNS_ZONE_INVALID: { exit: 'usage', summary: 'A zone breaks a rule that no name server would accept.' },
  DNS_LISTEN_FAILED: { exit: 'environment', summary: 'The DNS server could not listen on an address and port.' },
  DNS_TIMEOUT: { exit: 'environment', summary: 'A DNS server did not answer in time.' },
  DNS_UNREACHABLE: { exit: 'environment', summary: 'A DNS server could not be reached.' },
  DNS_ANSWER_INVALID: { exit: 'environment', summary: 'A DNS server sent an answer that cannot be read.' },
};
