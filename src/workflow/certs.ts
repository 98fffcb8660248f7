import path from 'node:path';
import {
  abandonNextCa,
  addNextCa,
  backupCertificates,
  certificatePaths,
  createSigningKey,
  detectHostTrust,
  dropPreviousCa,
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
import { readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Run } from '../core/run.ts';
import { certificateOptions, prepareCertificates } from './site/prepare.ts';

/** Where a site's certificates lie, and what they are. */
export interface CertificateStatus {
  readonly certificates: SiteCertificates;
  readonly consumers: readonly TrustRow[];
}

/** Makes or renews what the site needs. @throws AirlockError those of `ensureCertificates` */
export async function certsInit(siteFile: string, renew: boolean, run: Run): Promise<SiteCertificates> {
  const { site } = await loadSite(siteFile, run);
  return prepareCertificates(site, run, renew);
}

/** The certificates, and everybody who needs the CA with the fingerprint that it holds. `manifests`: the folder that `emit` wrote. */
export async function certsShow(siteFile: string, manifests: string, run: Run): Promise<CertificateStatus> {
  const { site } = await loadSite(siteFile, run);
  const certificates = await prepareCertificates(site, run);
  return { certificates, consumers: await readTrust(await trustPlaces(site, manifests, run), certificates.caPem, run) };
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
  files: { readonly certificate: string; readonly ca: string; readonly key?: string | undefined },
  run: Run,
): Promise<{ readonly folder: string }> {
  const { site } = await loadSite(siteFile, run);
  const { folder, names, addresses } = certificateOptions(site);
  const text = async (file: string): Promise<string> => (await readFileLimited(file, run)).toString();
  await importSigned(
    {
      folder,
      names,
      addresses,
      certificatePem: await text(files.certificate),
      anchorsPem: await text(files.ca),
      ...(files.key === undefined ? {} : { keyPem: await text(files.key) }),
    },
    run,
  );
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
  return restoreCertificates({ file, folder: certificateOptions(site).folder, replace }, run);
}

/** The steps of a CA change: add, spread (by `emit`, `apply`, `certs install`), switch, drop; `abandon` before the switch. */
export async function certsChange(siteFile: string, step: string, run: Run): Promise<SiteCertificates> {
  const { site } = await loadSite(siteFile, run);
  const { folder } = certificatePaths(certificateOptions(site).folder);
  if (step === 'add')
    await addNextCa(
      folder,
      { commonName: `Airlock site CA ${site.name} ${run.now().getUTCFullYear()}`, validityDays: 3650 },
      run,
    );
  else if (step === 'switch') await switchCa(folder, run);
  else if (step === 'drop') await dropPreviousCa(folder, run);
  else if (step === 'abandon') await abandonNextCa(folder, run);
  else
    throw new AirlockError('USAGE', `"${step}" is not a step of a CA change`, {
      hint: 'the steps are add, switch, drop and abandon',
    });
  return prepareCertificates(site, run);
}

/** A key pair for signing bundles; the private key is 0600. @throws AirlockError USAGE when the file is there already */
export async function certsSigningKey(
  file: string,
  run: Run,
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const publicFile = `${file.replace(/\.(?:key|pem)$/, '')}.pub`;
  for (const one of [file, publicFile]) {
    if (await run.disk.stat(one))
      throw new AirlockError('USAGE', `${one} is there already`, {
        hint: 'bundles signed with it could not be told any more; choose another name',
      });
  }
  const { privatePem, publicPem } = await createSigningKey();
  await writeFileAtomic(file, privatePem, run, 0o600);
  await writeFileAtomic(publicFile, publicPem, run);
  return { privateKey: file, publicKey: publicFile };
}
