import {
  certsBackup,
  certsChange,
  certsImport,
  certsInit,
  certsInstall,
  certsRequest,
  certsRestore,
  certsShow,
  certsSigningKey,
} from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { plural, renderTable } from '../render/table.ts';
import { getSiteFile, pathFlag, userPath } from '../settings.ts';

const done = (result: unknown, text: string): Outcome => ({ exitCode: exitCodes.done, result, text });

export async function runCertsInit(invocation: Invocation): Promise<Outcome> {
  return describeMade(await certsInit(await getSiteFile(invocation), false, invocation.run));
}

export async function runCertsRenew(invocation: Invocation): Promise<Outcome> {
  return describeMade(await certsInit(await getSiteFile(invocation), true, invocation.run));
}

export async function runCertsChange(invocation: Invocation): Promise<Outcome> {
  const { step, ...made } = await certsChange(
    await getSiteFile(invocation),
    argument(invocation, 0) ?? '',
    pathFlag(invocation, 'ca'),
    invocation.run,
  );
  const outcome = describeMade(made);
  return { ...outcome, text: `${outcome.text}\n${nextStep(step)}` };
}

/** Everything but keys: paths and descriptions. */
function describeMade(made: Awaited<ReturnType<typeof certsInit>>): Outcome {
  const { ca, leaf, paths, changed, reason } = made;
  const text = [
    changed ? `certificates changed: ${reason ?? 'what clients trust'}` : 'certificates left alone: they fit',
    `CA      ${ca.subject}, until ${ca.notAfter.toISOString().slice(0, 10)}, ${ca.fingerprintSha256}`,
    `server  until ${leaf.notAfter.toISOString().slice(0, 10)}, ${leaf.fingerprintSha256}`,
    `folder  ${paths.folder}`,
    ...(changed ? ['running services take it within seconds; a registry in Podman with the next "airlock up"'] : []),
  ].join('\n');
  return done({ changed, reason, ca, leaf, paths }, text);
}

export async function runCertsShow(invocation: Invocation): Promise<Outcome> {
  const manifests = pathFlag(invocation, 'manifests') ?? userPath(invocation, 'manifests');
  const { ca, leaf, paths, step, consumers } = await certsShow(
    await getSiteFile(invocation),
    manifests,
    invocation.run,
  );
  const rows = consumers.map((row) => [row.consumer, row.state, shortFingerprints(row), row.where, row.reason ?? '']);
  const head = [
    `CA ${ca.subject}, until ${ca.notAfter.toISOString().slice(0, 10)}, ${ca.fingerprintSha256}`,
    `server certificate until ${leaf.notAfter.toISOString().slice(0, 10)}, ${leaf.fingerprintSha256}`,
    ...(step === 'none' ? [] : [`a change of the CA is under way: ${nextStep(step)}`]),
    '',
  ];
  return done(
    { ca, leaf, paths, step, consumers },
    [...head, renderTable(['consumer', 'state', 'fingerprint', 'where', ''], rows)].join('\n'),
  );
}

/** Host trust holds hundreds where none is ours. */
function shortFingerprints({
  state,
  fingerprints,
}: {
  readonly state: string;
  readonly fingerprints: readonly string[];
}) {
  if (state === 'other' && fingerprints.length > 2) return plural(fingerprints.length, 'certificate');
  return fingerprints.map((one) => one.slice(0, 16)).join(' ');
}

function nextStep(step: 'none' | 'added' | 'switched'): string {
  if (step === 'added')
    return 'the new CA is trusted beside the old one. Spread it (airlock emit, apply, certs install; certs show tells who lacks it), then airlock certs change-ca switch';
  if (step === 'switched') return 'the new CA signs, the old one is still trusted. Next: airlock certs change-ca drop';
  return 'one CA signs and is trusted; spread the trust once more (airlock emit, apply, certs install)';
}

export async function runCertsCsr(invocation: Invocation): Promise<Outcome> {
  const result = await certsRequest(await getSiteFile(invocation), pathFlag(invocation, 'out'), invocation.run);
  return done(
    result,
    `signing request: ${result.file}; its key stays here. Next: name the CA as certificates.caFile in the site file, then airlock certs import CERTIFICATE`,
  );
}

export async function runCertsImport(invocation: Invocation): Promise<Outcome> {
  const certificate = userPath(invocation, argument(invocation, 0) ?? '');
  const result = await certsImport(
    await getSiteFile(invocation),
    { certificate, ca: pathFlag(invocation, 'ca'), key: pathFlag(invocation, 'key') },
    invocation.run,
  );
  return done(
    result,
    `imported into ${result.folder}; running services take it within seconds, a registry in Podman with the next "airlock up"`,
  );
}

export async function runCertsInstall(invocation: Invocation): Promise<Outcome> {
  const installed = await certsInstall(
    await getSiteFile(invocation),
    userPath(invocation, invocation.flags.text('root') ?? '/'),
    invocation.run,
  );
  const lines = installed.flatMap((one) => [
    ...one.files.map((file) => `${one.changed ? 'wrote' : 'left alone'} ${file}`),
    ...(one.command ? [`run: ${one.command}`] : []),
  ]);
  return done({ installed }, lines.join('\n'));
}

export async function runCertsBackup(invocation: Invocation): Promise<Outcome> {
  const file = userPath(invocation, argument(invocation, 0) ?? 'certs-backup.json');
  const names = await certsBackup(await getSiteFile(invocation), file, invocation.run);
  return done({ file, names }, `${names.length} files in ${file} (0600: it holds private keys)`);
}

export async function runCertsRestore(invocation: Invocation): Promise<Outcome> {
  const file = userPath(invocation, argument(invocation, 0) ?? '');
  const names = await certsRestore(await getSiteFile(invocation), file, invocation.flags.on('replace'), invocation.run);
  return done({ file, names }, `restored ${names.join(', ')}`);
}

export async function runCertsSigningKey(invocation: Invocation): Promise<Outcome> {
  const made = await certsSigningKey(
    userPath(invocation, argument(invocation, 0) ?? 'airlock-signing.key'),
    invocation.run,
  );
  return done(
    made,
    `private key ${made.privateKey} (0600, for build --signing-key)\npublic key  ${made.publicKey} (for verify --key and load --key)`,
  );
}
