import { DEFAULT_CIPHERS } from 'node:tls';

/**
 * What our servers ask of TLS. AES-128 is put before AES-256, whose greater strength nobody can make use of and which takes half as much CPU
 * time again: what is served is large, and has its digest beside it. Everything else stays in Node's order; the server's order counts.
 */
export const serverTls = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    ...DEFAULT_CIPHERS.split(':').filter((name) => name !== 'TLS_AES_128_GCM_SHA256'),
  ].join(':'),
} as const;
