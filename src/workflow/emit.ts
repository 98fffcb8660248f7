import path from 'node:path';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { findFile, readFileLimited, writeFileAtomic } from '../core/files.ts';
import type { Finding } from '../core/findings.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { toolVersion } from '../core/version.ts';
import {
  renderBindZone,
  renderDnsmasq,
  renderHosts,
  renderNamedConf,
  renderNsupdate,
  type Zone,
  zoneFileName,
} from '../dns/index.ts';
import {
  type EmitInput,
  emitSite,
  type NamedFile,
  siteStages,
  siteTextFiles,
  validateStages,
  versionFindings,
} from '../manifests/index.ts';
import { type LoadedContent, readLoadedContent } from './loaded.ts';
import { siteTarget } from './site/endpoints.ts';
import { prepareCertificates, prepareEtcdKeys, prepareUser, registryTrustPem } from './site/prepare.ts';
import { siteZones } from './site/zones.ts';

/** What `emit` wrote. */
export interface EmitResult {
  readonly folder: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
  readonly generations: readonly number[];
  /** Rules over all objects: schemas, names that are referred to, images at the mirror. */
  readonly findings: readonly Finding[];
}

/** The list of what was emitted, in the folder: the next run takes away what it no longer writes. */
const listName = '.airlock-emitted.json';

/**
 * Writes every object of the site for what was really loaded. Same input, same bytes; files of an earlier run that are no longer part of it
 * are removed, files of others stay.
 * @throws AirlockError NOTHING_LOADED, RELEASE_NOT_LOADED, those of configuration and certificates
 */
export async function emit(siteFile: string, folder: string, run: Run): Promise<EmitResult> {
  const { site } = await loadSite(siteFile, run);
  const loaded = await readLoadedContent(site.paths.state, run);
  if (loaded.generations.length === 0) {
    throw new AirlockError('NOTHING_LOADED', 'no bundle was loaded at this site yet', {
      hint: `load one first: airlock load BUNDLE -f ${siteFile}`,
    });
  }
  assertReleases(site, loaded);
  const input = await emitInput(site, loaded, run);
  const files = emitSite(input);
  for (const file of files) await writeEmitted(path.join(folder, file.path), file.content, file.mode, run);
  await removeStale(
    folder,
    files.map((file) => file.path),
    run,
  );
  const findings = [
    ...validateStages(siteStages(input), input.content, neededPackages(site)),
    ...versionFindings(site),
  ];
  return {
    folder,
    findings,
    files: files.map(({ path: name, mode }) => ({ path: name, mode })),
    generations: loaded.generations.map((one) => one.generation),
  };
}

/**
 * Says which files of an emitted folder differ from what would be written now: one finding, [] where nothing was emitted there. What is applied from
 * an old folder names the registry, the CA and the releases of then.
 */
export async function findStale(
  folder: string,
  files: readonly { readonly path: string; readonly content: string }[],
  run: Run,
): Promise<Finding[]> {
  if (!(await findFile(path.join(folder, listName), run))) return [];
  const stale: string[] = [];
  for (const file of files)
    if ((await findFile(path.join(folder, file.path), run))?.toString() !== file.content) stale.push(file.path);
  if (stale.length === 0) return [];
  const shown = stale.slice(0, 3).join(', ');
  return [
    {
      code: 'CHECK_MANIFESTS_STALE',
      severity: 'warning',
      subject: folder,
      message: `${stale.length} of ${files.length} files are not what emit would write now: ${shown}${stale.length > 3 ? ' …' : ''}`,
      hint: `airlock emit ${folder}, then airlock apply ${folder}`,
    },
  ];
}

/** Everything that `emitSite` works on, for this site and what was loaded. */
export async function emitInput(site: Site, loaded: LoadedContent, run: Run): Promise<EmitInput> {
  const certificates = await prepareCertificates(site, run);
  const { password } = await prepareUser(site, run);
  const texts: Record<string, string> = {};
  for (const file of siteTextFiles(site)) texts[file] = (await readFileLimited(file, run)).toString();
  return {
    site,
    content: {
      images: loaded.images,
      releases: loaded.releases,
      catalogs: loaded.catalogs,
      signatures: loaded.signatures,
      target: siteTarget(site),
      provenance: { createdAt: loaded.contentDate.toISOString(), toolVersion },
    },
    caPem: await registryTrustPem(site, certificates, run),
    password,
    texts,
    etcdKeys: await prepareEtcdKeys(site, run),
    zones: zoneFiles(site, await siteZones(site, loaded.contentDate, run)),
  };
}

function zoneFiles(site: Site, zones: readonly Zone[]): NamedFile[] {
  return [
    ...zones.map((zone) => ({ name: zoneFileName(zone.name), content: renderBindZone(zone) })),
    {
      name: 'named.conf',
      content: renderNamedConf(zones, { directory: '/var/named/airlock', forwarders: site.dns.forwarders }),
    },
    { name: 'dnsmasq.conf', content: renderDnsmasq(zones) },
    { name: 'hosts', content: renderHosts(zones) },
    { name: 'nsupdate.txt', content: renderNsupdate(zones) },
  ];
}

/** Operators that the site cannot do without; one that is in the cluster already need not be mirrored, so a missing one is only said. */
function neededPackages(site: Site): string[] {
  if (!site.managementCluster || site.hostedClusters.length === 0) return [];
  const balanced = site.hostedClusters.some((cluster) => cluster.publishing === 'LoadBalancer');
  return ['multicluster-engine', ...(balanced ? ['metallb-operator'] : [])];
}

/** A hosted cluster cannot be installed from a release that is not at the mirror. */
function assertReleases(site: Site, loaded: LoadedContent): void {
  const versions = new Set(loaded.releases.map((release) => release.version));
  const missing = site.hostedClusters.filter((cluster) => !versions.has(cluster.release));
  if (missing.length === 0) return;
  const list = missing.map((cluster) => `${cluster.name} wants ${cluster.release}`).join(', ');
  throw new AirlockError('RELEASE_NOT_LOADED', `${list}; loaded: ${[...versions].sort().join(', ') || 'no release'}`, {
    hint: 'add the release to the image set and carry the next generation, or change the release in the site file',
  });
}

async function writeEmitted(file: string, content: string, mode: number, run: Run): Promise<void> {
  const there = await findFile(file, run);
  const stat = await run.disk.stat(file);
  if (there?.toString() !== content || stat?.mode !== mode) await writeFileAtomic(file, content, run, mode);
}

async function removeStale(folder: string, names: readonly string[], run: Run): Promise<void> {
  const listFile = path.join(folder, listName);
  const bytes = await findFile(listFile, run);
  const before: unknown = bytes ? JSON.parse(bytes.toString()) : [];
  const now = new Set(names);
  for (const name of Array.isArray(before) ? before.map(String) : []) {
    // The list lies in a folder that others may write to: only names below the folder are taken from it.
    if (!now.has(name) && !name.split('/').includes('..') && !path.isAbsolute(name))
      await run.disk.remove(path.join(folder, name));
  }
  await writeFileAtomic(listFile, prettyJson([...now].sort()), run);
}
