import { randomBytes, sign } from 'node:crypto';
import forge from 'node-forge';
import { type Asn1, child, derBytes, readIssuer, replaced } from './asn1.ts';
import { parsePrivateKey, publicKeyOf } from './keys.ts';

// With asn1.ts the adapter of node-forge, which builds the structures. Signatures come from Node: forge's own need seconds of the main thread for
// a 4096-bit key and know RSA only, while a corporate CA may be ECDSA.

const { asn1, pki } = forge;

/** A CA or leaf certificate with its private key, PEM. */
export interface KeyAndCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** The fields of a certificate to sign. `subjectKeyPem` is the private key of the subject; it has to be RSA. */
export interface CertificateRequest {
  readonly subject: Subject;
  readonly subjectKeyPem: string;
  readonly extensions: readonly object[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Left out: the certificate is signed with its own key. */
  readonly issuer?: KeyAndCertificate;
}

/** A distinguished name. The common name may have 64 characters at most (RFC 5280 A.1). */
export interface Subject {
  readonly commonName?: string;
  readonly organization?: string;
}

/** Signs a certificate with SHA-256, a random positive serial of 16 bytes, and key identifiers of subject and issuer. */
export function signCertificate(request: CertificateRequest): string {
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(publicKeyOf(request.subjectKeyPem));
  certificate.serialNumber = createSerial();
  certificate.validity = { notBefore: request.notBefore, notAfter: request.notAfter };
  certificate.setSubject(attributes(request.subject));
  certificate.setIssuer(attributes(request.subject));
  const subjectKeyId = certificate.generateSubjectKeyIdentifier().getBytes();
  const issuer = request.issuer && readIssuer(request.issuer.certificatePem);
  certificate.setExtensions([
    ...request.extensions,
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer?.keyId ?? subjectKeyId },
  ]);
  certificate.signatureOid = certificate.siginfo.algorithmOid = pki.oids['sha256WithRSAEncryption'] ?? '';
  certificate.signature = '';
  const tree = pki.certificateToAsn1(certificate);
  // The issuer's name is copied as it was encoded: verifiers compare it byte for byte.
  if (issuer) child(tree, 0).value = replaced(child(tree, 0), 3, issuer.subject);
  return seal(tree, 2, 'CERTIFICATE', request.issuer?.keyPem ?? request.subjectKeyPem);
}

/** A PKCS #10 request with the extensions asked for, signed with the subject's own RSA key. */
export function signRequest(subject: Subject, keyPem: string, extensions: readonly object[]): string {
  const request = pki.createCertificationRequest();
  request.publicKey = pki.publicKeyFromPem(publicKeyOf(keyPem));
  request.setSubject(attributes(subject));
  request.setAttributes([{ name: 'extensionRequest', extensions: [...extensions] }]);
  request.signatureOid = request.siginfo.algorithmOid = pki.oids['sha256WithRSAEncryption'] ?? '';
  request.signature = '';
  return seal(pki.certificationRequestToAsn1(request), undefined, 'CERTIFICATE REQUEST', keyPem);
}

// Puts algorithm and signature into a {body, algorithm, signature} structure; `innerAlgorithm` is the algorithm's place in the body.
function seal(tree: Asn1, innerAlgorithm: number | undefined, label: string, keyPem: string): string {
  const key = parsePrivateKey(keyPem);
  const algorithm = key.asymmetricKeyType === 'ec' ? ecdsaAlgorithm() : child(tree, 1);
  if (innerAlgorithm !== undefined) child(tree, 0).value = replaced(child(tree, 0), innerAlgorithm, algorithm);
  const signature = sign('sha256', derBytes(child(tree, 0)), key);
  const bits = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${signature.toString('latin1')}`);
  const sealed = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [child(tree, 0), algorithm, bits]);
  return renderBlock(label, derBytes(sealed));
}

// ecdsa-with-SHA256: its parameters have to be absent (RFC 5758 §3.2).
function ecdsaAlgorithm(): Asn1 {
  const oid = asn1.oidToDer('1.2.840.10045.4.3.2').getBytes();
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, oid),
  ]);
}

function attributes(subject: Subject): forge.pki.CertificateField[] {
  // UTF8String for all: PrintableString has no "*", "@" or "&", and RFC 5280 §4.1.2.4 asks for UTF8String in new names.
  const field = (name: string, value: string | undefined): forge.pki.CertificateField[] =>
    // forge's type says Class, but the value it writes is a type tag.
    value ? [{ name, value, valueTagClass: asn1.Type.UTF8 as unknown as forge.asn1.Class }] : [];
  return [...field('organizationName', subject.organization), ...field('commonName', subject.commonName)];
}

// First byte 0x40–0x7f: positive, never zero, 16 bytes in minimal encoding (RFC 5280 §4.1.2.2 allows 20).
function createSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes.toString('hex');
}

function renderBlock(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
