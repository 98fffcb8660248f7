import { connect } from 'node:tls';
import { errorText } from '../core/errors.ts';
import { findFile } from '../core/files.ts';
import { findIpFamily, hostPort } from '../core/ip.ts';
import type { Run } from '../core/run.ts';
import { describe, fingerprint } from './describe.ts';
import { parseCertificate, splitPemBundle } from './pem.ts';
import { normalizeNames, uncoveredNames } from './san.ts';

/** A place where the CA has to be known. */
export type TrustPlace =
  /** A PEM file: host trust, `certs.d`, an emitted file. */
  | { readonly kind: 'file'; readonly consumer: string; readonly file: string }
  /** Text that the caller read: a ConfigMap value; undefined when there is none. */
  | { readonly kind: 'text'; readonly consumer: string; readonly where: string; readonly text: string | undefined }
  /** A running TLS service: what it serves has to come from the CA. */
  | {
      readonly kind: 'service';
      readonly consumer: string;
      readonly host: string;
      readonly port: number;
      readonly serverName: string;
    };

/**
 * What a consumer holds. `current`: all that it should · `partial`: some, as before a CA change is spread · `other`: certificates, but none
 * of ours · `missing`: none · `unreachable`: could not be looked at.
 */
export type TrustState = 'current' | 'partial' | 'other' | 'missing' | 'unreachable';

/** A row of the table of everybody who needs the CA. */
export interface TrustRow {
  readonly consumer: string;
  readonly where: string;
  readonly state: TrustState;
  /** SHA-256 of our certificates that it holds; of all that it holds when none is ours. A service: of what it serves. */
  readonly fingerprints: readonly string[];
  /** Wanted and not there. */
  readonly missing: readonly string[];
  /** Why it is unreachable, or what a service gets wrong. */
  readonly reason?: string;
}

/** Looks at every place for the certificates of `caPem`. Never throws for a place: an unreadable one is `unreachable`. */
export function readTrust(places: readonly TrustPlace[], caPem: string, run: Run): Promise<TrustRow[]> {
  return Promise.all(
    places.map(async (place) => {
      try {
        if (place.kind === 'service') return await readService(place, caPem, run);
        const text = place.kind === 'text' ? place.text : (await findFile(place.file, run))?.toString();
        return rowOf(place.consumer, place.kind === 'text' ? place.where : place.file, text, caPem);
      } catch (error) {
        const where =
          place.kind === 'service'
            ? hostPort(place.host, place.port)
            : place.kind === 'file'
              ? place.file
              : place.where;
        const row = { consumer: place.consumer, where, fingerprints: [], missing: fingerprintsOf(caPem) };
        return { ...row, state: 'unreachable' as const, reason: errorText(error) };
      }
    }),
  );
}

/** Whether everybody holds a certificate: the gate between the steps of a CA change. A service never lacks one: it follows the switch. */
export function isSpread(rows: readonly TrustRow[]): boolean {
  return rows.every((row) => row.missing.length === 0 && row.state !== 'unreachable');
}

function rowOf(consumer: string, where: string, text: string | undefined, caPem: string): TrustRow {
  const wanted = fingerprintsOf(caPem);
  const held = fingerprintsOf(text ?? '');
  const missing = wanted.filter((one) => !held.includes(one));
  const ours = wanted.filter((one) => held.includes(one));
  const state = missing.length === 0 ? 'current' : ours.length > 0 ? 'partial' : held.length > 0 ? 'other' : 'missing';
  // A host's trust store holds hundreds of others: when ours is there they say nothing.
  return { consumer, where, state, fingerprints: ours.length > 0 ? ours : held.slice(0, 8), missing };
}

function fingerprintsOf(pem: string): string[] {
  return splitPemBundle(pem).map((one) => fingerprint(parseCertificate(one)));
}

const serviceTimeoutMs = 5000;

function readService(place: TrustPlace & { kind: 'service' }, caPem: string, run: Run): Promise<TrustRow> {
  const base = { consumer: place.consumer, where: hostPort(place.host, place.port), missing: [] };
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: place.host,
      port: place.port,
      ca: splitPemBundle(caPem),
      // The row says what is wrong with the certificate; a refused handshake would hide which one is served.
      rejectUnauthorized: false,
      timeout: serviceTimeoutMs,
      ...(findIpFamily(place.serverName) === undefined ? { servername: place.serverName } : {}),
    });
    const fail = (error: unknown): void => {
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(run.signal.reason);
    run.signal.addEventListener('abort', onAbort, { once: true });
    socket.once('close', () => run.signal.removeEventListener('abort', onAbort));
    socket.once('error', fail);
    socket.once('timeout', () => fail(new Error(`no answer within ${serviceTimeoutMs / 1000} s`)));
    socket.once('secureConnect', () => {
      const served = socket.getPeerX509Certificate();
      const trouble: unknown = socket.authorizationError;
      socket.destroy();
      if (!served) return reject(new Error('the service sent no certificate'));
      const fingerprints = [fingerprint(served)];
      // Node takes a certificate without SANs by its common name; Go, and so every cluster component, does not.
      const uncovered = uncoveredNames(describe(served), normalizeNames([place.serverName], []));
      if (!trouble && uncovered.length === 0) return resolve({ ...base, state: 'current', fingerprints });
      const reason = uncovered.length > 0 ? `the certificate does not cover ${place.serverName}` : String(trouble);
      resolve({ ...base, state: 'other', fingerprints, reason });
    });
  });
}
