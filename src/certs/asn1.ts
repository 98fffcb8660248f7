import { createHash } from 'node:crypto';
import forge from 'node-forge';
import { parseCertificate } from './pem.ts';

const { asn1 } = forge;

/** A node of a DER structure, as node-forge reads it. */
export type Asn1 = forge.asn1.Asn1;

/** What a certificate gives to those that it signs: its name as it was encoded, and its key identifier. */
export function readIssuer(pem: string): { readonly subject: Asn1; readonly keyId: string } {
  const body = readBody(pem);
  const shift = versionShift(body);
  const keyId = findExtension(body, '2.5.29.14')?.value;
  return {
    subject: child(body, 4 + shift),
    keyId: typeof keyId === 'string' ? keyId : hashKey(child(body, 5 + shift)),
  };
}

/** What a CA certificate may do: whether it may sign certificates, and how many CAs may stand below it (undefined: any number). */
export function readCaLimits(pem: string): { readonly maySign: boolean; readonly pathLength: number | undefined } {
  const body = readBody(pem);
  const usage = findExtension(body, '2.5.29.15')?.value;
  const constraints = findExtension(body, '2.5.29.19');
  const length = constraints && children(constraints).find((node) => node.type === asn1.Type.INTEGER)?.value;
  return {
    // keyCertSign is bit 5; without the extension every use is allowed. The first byte counts unused bits.
    maySign: typeof usage !== 'string' || (usage.charCodeAt(1) & 0x04) !== 0,
    pathLength:
      typeof length === 'string' ? Number.parseInt(Buffer.from(length, 'latin1').toString('hex'), 16) : undefined,
  };
}

function readBody(pem: string): Asn1 {
  return child(asn1.fromDer(parseCertificate(pem).raw.toString('latin1')), 0);
}

// An explicit version comes first in every v3 certificate; a v1 one has none.
function versionShift(body: Asn1): number {
  return child(body, 0).tagClass === asn1.Class.CONTEXT_SPECIFIC ? 1 : 0;
}

// What the OCTET STRING of an extension holds.
function findExtension(body: Asn1, oid: string): Asn1 | undefined {
  const extensions = children(body).find((node) => node.tagClass === asn1.Class.CONTEXT_SPECIFIC && node.type === 3);
  const wanted = asn1.oidToDer(oid).getBytes();
  const found = extensions && children(child(extensions, 0)).find((extension) => child(extension, 0).value === wanted);
  const value = found && children(found).at(-1)?.value;
  return typeof value === 'string' ? asn1.fromDer(value) : undefined;
}

// RFC 5280 §4.2.1.2 method 1: SHA-1 over the key bits, without tag, length and unused-bits byte. forge decodes a bit string that holds
// DER, so its content is taken from the encoding.
function hashKey(keyInfo: Asn1): string {
  const bits = derBytes(child(keyInfo, 1));
  const lengthByte = bits[1] ?? 0;
  const header = 3 + (lengthByte < 0x80 ? 0 : lengthByte & 0x7f);
  return createHash('sha1').update(bits.subarray(header)).digest().toString('latin1');
}

// The parts of a constructed node; [] for others.
function children(node: Asn1): Asn1[] {
  return Array.isArray(node.value) ? node.value : [];
}

/** The part at `index`. A missing one is a bug: certificates come from Node's own parser. */
export function child(node: Asn1, index: number): Asn1 {
  const found = children(node)[index];
  if (!found) throw new Error(`ASN.1 node has no child ${index}`);
  return found;
}

/** The parts of a node with one put in another's place. */
export function replaced(node: Asn1, index: number, value: Asn1): Asn1[] {
  return children(node).map((old, at) => (at === index ? value : old));
}

/** The DER encoding. */
export function derBytes(node: Asn1): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
}
