import { AirlockError } from '../../core/errors.ts';
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
import { renderTable } from '../render/table.ts';
import { getSiteFile, pathFlag, userPath } from '../settings.ts';

const done = (result: unknown, text: string): Outcome => ({ exitCode: exitCodes.done, result, text });

export async function runCertsInit(invocation: Invocation): Promise<Outcome> {
  return describeMade(await certsInit(await getSiteFile(invocation), false, invocation.run));
}

export async function runCertsRenew(invocation: Invocation): Promise<Outcome> {
  return describeMade(await certsInit(await getSiteFile(invocation), true, invocation.run));
}

export async function runCertsChange(invocation: Invocation): Promise<Outcome> {
  return describeMade(await certsChange(await getSiteFile(invocation), argument(invocation, 0) ?? '', invocation.run));
}

/** Everything but keys: paths and descriptions. */
function describeMade(made: Awaited<ReturnType<typeof certsInit>>): Outcome {
  const { ca, leaf, paths, changed, reason } = made;
  const text = [
    changed ? `certificates changed: ${reason ?? 'made'}` : 'certificates left alone: they fit',
    `CA      ${ca.subject}, until ${ca.notAfter.toISOString().slice(0, 10)}, ${ca.fingerprintSha256}`,
    `server  until ${leaf.notAfter.toISOString().slice(0, 10)}, ${leaf.fingerprintSha256}`,
    `folder  ${paths.folder}`,
  ].join('\n');
  return done({ changed, reason, ca, leaf, paths }, text);
}

export async function runCertsShow(invocation: Invocation): Promise<Outcome> {
  const manifests = pathFlag(invocation, 'manifests') ?? userPath(invocation, 'manifests');
  const { certificates, consumers } = await certsShow(await getSiteFile(invocation), manifests, invocation.run);
  const rows = consumers.map((row) => [
    row.consumer,
    row.state,
    row.fingerprints.map((one) => one.slice(0, 23)).join(' '),
    row.where,
    row.reason ?? '',
  ]);
  const { ca, leaf, paths } = certificates;
  const head = [
    `CA ${ca.subject}, until ${ca.notAfter.toISOString().slice(0, 10)}, ${ca.fingerprintSha256}`,
    `server certificate until ${leaf.notAfter.toISOString().slice(0, 10)}, ${leaf.fingerprintSha256}`,
    '',
  ];
  return done(
    { ca, leaf, paths, consumers },
    [...head, renderTable(['consumer', 'state', 'fingerprint', 'where', ''], rows)].join('\n'),
  );
}

export async function runCertsCsr(invocation: Invocation): Promise<Outcome> {
  const result = await certsRequest(await getSiteFile(invocation), pathFlag(invocation, 'out'), invocation.run);
  return done(
    result,
    `signing request: ${result.file}; its key stays here. Next: airlock certs import CERTIFICATE --ca CA`,
  );
}

export async function runCertsImport(invocation: Invocation): Promise<Outcome> {
  const ca = pathFlag(invocation, 'ca');
  if (ca === undefined)
    throw new AirlockError('USAGE', 'no CA', { hint: 'name the CA certificates that clients trust with --ca FILE' });
  const certificate = userPath(invocation, argument(invocation, 0) ?? '');
  const result = await certsImport(
    await getSiteFile(invocation),
    { certificate, ca, key: pathFlag(invocation, 'key') },
    invocation.run,
  );
  return done(result, `imported into ${result.folder}; running services take it within seconds`);
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
