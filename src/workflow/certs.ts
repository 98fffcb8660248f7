import path from 'node:path';
import {
  abandonNextCa,
  addNextCa,
  backupCertificates,
  type CaChangeStep,
  type CertificateDescription,
  type CertificatePaths,
  certificatePaths,
  createSigningKey,
  describeCertificate,
  detectHostTrust,
  dropPreviousCa,
  findCaChangeStep,
  importSigned,
  installHostTrust,
  installRegistryTrust,
  readTrust,
  restoreCertificates,
  type SiteCertificates,
  switchCa,
  type TrustInstallation,
  type TrustPlace,
  type TrustRow,
  writeRequest,
} from '../certs/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError, isAirlockError } from '../core/errors.ts';
import { findFile, readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { certificateOptions, handOverCertificates, prepareCertificates } from './site/prepare.ts';

/** Where a site's certificates lie, and what they are. */
export interface CertificateStatus {
  readonly ca: CertificateDescription;
  readonly leaf: CertificateDescription;
  readonly paths: CertificatePaths;
  /** How far a change of the CA has come. */
  readonly step: CaChangeStep;
  readonly consumers: readonly TrustRow[];
}

/** Makes or renews what the site needs. @throws AirlockError those of `ensureCertificates` */
export async function certsInit(siteFile: string, renew: boolean, run: Run): Promise<SiteCertificates> {
  const { site } = await loadSite(siteFile, run);
  if (renew) assertRenewable(site);
  return prepareAndHandOver(site, run, renew);
}

/** Saying "done" where nothing can be issued would let a certificate run out. */
function assertRenewable(site: Site): void {
  const { caFile, caKeyFile, certificateFile, keyFile } = site.certificates;
  if (certificateFile && keyFile)
    throw new AirlockError('CERTIFICATE_NEEDED', `the site file names its server certificate, ${certificateFile}`, {
      hint: 'put a new one and its key there; running services take it with the next "airlock up"',
    });
  if (caFile && !caKeyFile)
    throw new AirlockError(
      'CERTIFICATE_NEEDED',
      `the key of the CA in ${caFile} is not here, so nothing can be issued`,
      {
        hint: 'make a request with "airlock certs csr", have it signed, and hand it in with "airlock certs import"',
      },
    );
}

/** Also into the registry's folder, where its container reads the pair: `up` makes that container anew then. */
async function prepareAndHandOver(site: Site, run: Run, renew = false): Promise<SiteCertificates> {
  const certificates = await prepareCertificates(site, run, renew);
  await handOverCertificates(site, certificates, run);
  return certificates;
}

/**
 * The certificates, and everybody who needs the CA with the fingerprint that it holds. `manifests`: the folder that `emit` wrote. Changes
 * nothing.
 * @throws AirlockError FILE_NOT_FOUND when none were made yet
 */
export async function certsShow(siteFile: string, manifests: string, run: Run): Promise<CertificateStatus> {
  const { site } = await loadSite(siteFile, run);
  const paths = certificatePaths(certificateOptions(site).folder);
  const [trust, server] = await Promise.all([paths.trust, paths.certificate].map((file) => findFile(file, run)));
  if (!trust || !server)
    throw new AirlockError('FILE_NOT_FOUND', `there are no certificates in ${paths.folder} yet`, {
      hint: 'make them with "airlock certs init", or with "airlock up"',
    });
  const caPem = trust.toString();
  return {
    ca: describeCertificate(caPem),
    leaf: describeCertificate(server.toString()),
    paths,
    step: await findCaChangeStep(paths.folder, run),
    consumers: await readTrust(await trustPlaces(site, manifests, run), caPem, run),
  };
}

async function trustPlaces(site: Site, manifests: string, run: Run): Promise<TrustPlace[]> {
  const file = (consumer: string, name: string): TrustPlace => ({ kind: 'file', consumer, file: name });
  const services: TrustPlace[] = [
    ...site.registry.addresses.map(
      (host): TrustPlace => ({
        kind: 'service',
        consumer: 'registry',
        host,
        port: site.registry.port,
        serverName: site.registry.host,
      }),
    ),
    ...site.web.addresses.map(
      (host): TrustPlace => ({
        kind: 'service',
        consumer: 'web server',
        host,
        port: site.web.httpsPort,
        serverName: site.web.host,
      }),
    ),
  ];
  return [
    ...(await hostTrustPlaces(run)),
    file('container tools of this host', path.join('/etc/containers/certs.d', site.registry.reference, 'ca.crt')),
    ...services,
    file(
      'emitted: registry trust of the management cluster',
      path.join(manifests, '02-registry-trust/1-registry-config.yaml'),
    ),
    file(
      'emitted: container tools of hosts',
      path.join(manifests, 'hosts/etc/containers/certs.d', site.registry.reference, 'ca.crt'),
    ),
  ];
}

/** The bundle that every program of this host reads. */
async function hostTrustPlaces(run: Run): Promise<TrustPlace[]> {
  for (const file of [
    '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
    '/etc/ssl/certs/ca-certificates.crt',
    '/etc/ssl/ca-bundle.pem',
  ]) {
    if (await run.disk.stat(file)) return [{ kind: 'file', consumer: 'host trust', file }];
  }
  return [];
}

/** A signing request for a corporate CA, with a key that stays in the certificate folder. Returns its file. */
export async function certsRequest(
  siteFile: string,
  output: string | undefined,
  run: Run,
): Promise<{ readonly file: string }> {
  const { site } = await loadSite(siteFile, run);
  const { folder, names, addresses } = certificateOptions(site);
  const { csrPem, file } = await writeRequest({ folder, names, addresses }, run);
  if (output !== undefined) await writeFileAtomic(output, csrPem, run);
  return { file: output ?? file };
}

/** Takes in what a corporate CA signed. @throws AirlockError when key, names or chain do not fit */
export async function certsImport(
  siteFile: string,
  files: { readonly certificate: string; readonly ca?: string | undefined; readonly key?: string | undefined },
  run: Run,
): Promise<{ readonly folder: string }> {
  const { site } = await loadSite(siteFile, run);
  const { folder, names, addresses } = certificateOptions(site);
  // Otherwise the site's own CA would sign again at the next start.
  const ca = site.certificates.caFile;
  if (!ca)
    throw new AirlockError('USAGE', 'the site file does not name the corporate CA', {
      hint: 'set spec.certificates.caFile to its certificates, then import what it signed',
    });
  const text = async (file: string): Promise<string> => (await readFileLimited(file, run)).toString();
  await importSigned(
    {
      folder,
      names,
      addresses,
      certificatePem: await text(files.certificate),
      authorityPem: await text(ca),
      ...(files.ca === undefined ? {} : { intermediatesPem: await text(files.ca) }),
      ...(files.key === undefined ? {} : { keyPem: await text(files.key) }),
    },
    run,
  );
  await prepareAndHandOver(site, run);
  return { folder };
}

/** Puts the CA into host trust and into `certs.d`. `root` other than `/` for an image of a host. */
export async function certsInstall(siteFile: string, root: string, run: Run): Promise<readonly TrustInstallation[]> {
  const { site } = await loadSite(siteFile, run);
  const { caPem } = await prepareCertificates(site, run);
  const registries = await installRegistryTrust({ caPem, registries: [site.registry.reference], root }, run);
  try {
    await detectHostTrust(root, run);
  } catch (error) {
    if (!isAirlockError(error, 'TRUST_UNSUPPORTED')) throw error;
    run.report({ stage: 'serve', state: 'log', level: 'warning', message: error.message });
    return [registries];
  }
  return [registries, await installHostTrust({ caPem, name: site.name, root }, run)];
}

export async function certsBackup(siteFile: string, file: string, run: Run): Promise<readonly string[]> {
  const { site } = await loadSite(siteFile, run);
  return backupCertificates(certificateOptions(site).folder, file, run);
}

export async function certsRestore(
  siteFile: string,
  file: string,
  replace: boolean,
  run: Run,
): Promise<readonly string[]> {
  const { site } = await loadSite(siteFile, run);
  const names = await restoreCertificates({ file, folder: certificateOptions(site).folder, replace }, run);
  await prepareAndHandOver(site, run);
  return names;
}

/** The steps of a CA change: add, spread (by `emit`, `apply`, `certs install`), switch, drop; `abandon` before the switch. `caFile`: for `add`, a CA of the user's. */
export async function certsChange(
  siteFile: string,
  step: string,
  caFile: string | undefined,
  run: Run,
): Promise<SiteCertificates & { readonly step: CaChangeStep }> {
  const { site } = await loadSite(siteFile, run);
  const { folder } = certificatePaths(certificateOptions(site).folder);
  if (step === 'add') await addNextCa(folder, await nextCa(site, caFile, run), run);
  else if (step === 'switch') await switchCa(folder, run);
  else if (step === 'drop') await dropPreviousCa(folder, run);
  else if (step === 'abandon') await abandonNextCa(folder, run);
  else
    throw new AirlockError('USAGE', `"${step}" is not a step of a CA change`, {
      hint: 'the steps are add, switch, drop and abandon',
    });
  return { ...(await prepareAndHandOver(site, run)), step: await findCaChangeStep(folder, run) };
}

/** A CA of the user's where the site has one already, otherwise a new one of the site's own. */
async function nextCa(site: Site, caFile: string | undefined, run: Run) {
  if (caFile !== undefined) return { certificatePem: (await readFileLimited(caFile, run)).toString() };
  if (site.certificates.caFile)
    throw new AirlockError('USAGE', 'the site file names a CA of your own', {
      hint: 'name the new one with --ca FILE; the switch is naming it in the site file then',
    });
  return { commonName: `Airlock site CA ${site.name} ${run.now().getUTCFullYear()}`, validityDays: 3650 };
}

/** A key pair for signing bundles; the private key is 0600. @throws AirlockError USAGE when the file is there already */
export async function certsSigningKey(
  file: string,
  run: Run,
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  if (file.endsWith('.pub'))
    throw new AirlockError('USAGE', `${file} is the name of a public key`, {
      hint: 'name the private one: the public one gets .pub',
    });
  const publicFile = `${file.replace(/\.(?:key|pem)$/, '')}.pub`;
  for (const one of [file, publicFile]) {
    if (await run.disk.stat(one))
      throw new AirlockError('USAGE', `${one} is there already`, {
        hint: 'bundles signed with it could not be told any more; choose another name',
      });
  }
  const { privatePem, publicPem } = await createSigningKey();
  try {
    await writeFileAtomic(file, privatePem, run, 0o600);
    await writeFileAtomic(publicFile, publicPem, run);
  } catch (error) {
    // Nobody has used it, and the next try would find the names taken.
    for (const one of [file, publicFile]) await run.disk.remove(one).catch(() => {});
    throw error;
  }
  return { privateKey: file, publicKey: publicFile };
}
