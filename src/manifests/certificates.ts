import { X509Certificate } from 'node:crypto';

const blockForm = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * A CA bundle made anew from its certificates, each once, one final newline. Text between blocks, indentation, byte order marks and glued
 * blocks are gone afterwards: some of their readers load nothing, or half, from such files. '' when there is no certificate in it.
 */
export function normaliseCertificates(...pems: readonly string[]): string {
  const blocks = pems
    .flatMap((pem) => pem.match(blockForm) ?? [])
    .map((block) => new X509Certificate(block.replace(/^[ \t]+/gm, '')).toString().trimEnd());
  return [...new Set(blocks)].map((block) => `${block}\n`).join('');
}
