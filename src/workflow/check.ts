import {
  type CheckClients,
  type CheckedResolver,
  type CheckInput,
  type CheckReport,
  createCheckRequest,
  runChecks,
  siteLookup,
} from '../check/index.ts';
import { loadSite, type Site } from '../config/index.ts';
import { AirlockError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { createHttp, type HttpClient } from '../core/http.ts';
import { hostPort, type IpFamily } from '../core/ip.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import {
  buildZones,
  findMustNotResolve,
  lookup,
  lookupAddresses,
  plannedNames,
  plannedPointers,
  type Zone,
} from '../dns/index.ts';
import { type EmittedFile, emitSite, pullReferences } from '../manifests/index.ts';
import { createRemote, mapReference, parseRegistriesConf, type Reference, staticCredentials } from '../oci/index.ts';
import { emitInput, findStale } from './emit.ts';
import { type LoadedContent, readLoadedContent } from './loaded.ts';
import { dnsServers, siteTarget, webUrls } from './site/endpoints.ts';
import { sitePaths } from './site/paths.ts';
import { zoneInput } from './site/zone-input.ts';

/** What `check` found, and when. Kept in the state folder for `status` and the status page. */
export interface SiteCheck extends CheckReport {
  readonly checkedAt: string;
  readonly generation: number;
}

/**
 * The readiness proof: everything that `emit` would write, looked at through the site's own DNS, CA, pull secret and mirror rules. `manifests`: a folder
 * that `emit` wrote, which is compared with that.
 * @throws AirlockError NOTHING_LOADED, those of configuration; what is wrong with the site is in the findings
 */
export async function check(
  siteFile: string,
  options: { readonly hashFiles: boolean; readonly manifests?: string | undefined },
  run: Run,
): Promise<SiteCheck> {
  const { site } = await loadSite(siteFile, run);
  const loaded = await readLoadedContent(site.paths.state, run);
  const newest = loaded.generations.at(-1);
  if (!newest)
    throw new AirlockError('NOTHING_LOADED', 'no bundle was loaded at this site yet', {
      hint: `load one first: airlock load BUNDLE -f ${siteFile}`,
    });
  const emitted = await emitInput(site, loaded, run);
  const files = emitSite(emitted);
  const input = checkInput(site, loaded, buildZones(zoneInput(site, 1)), {
    hashFiles: options.hashFiles,
    caPem: emitted.caPem,
    pullSecret: emittedText(files, 'hosts/auth.json'),
  });
  const resolvers = siteResolvers(site);
  const resolve = siteLookupOf(resolvers);
  const http = createHttp({ caPem: [emitted.caPem], trustSystem: false, lookup: siteLookup(resolve, run) });
  try {
    const connections = checkClients(http, resolve, emitted.caPem, emittedText(files, 'hosts/registries.conf'), {
      username: site.registry.username,
      password: emitted.password,
    });
    const report = await runChecks(input, { ...connections, resolvers }, run);
    const stale = options.manifests === undefined ? [] : await findStale(options.manifests, files, run);
    const findings = [...report.findings, ...stale];
    const result = { ...report, findings, checkedAt: run.now().toISOString(), generation: newest.generation };
    await writeFileAtomic(sitePaths(site).lastCheck, prettyJson(result), run);
    return result;
  } finally {
    await http.close();
  }
}

function checkInput(
  site: Site,
  loaded: LoadedContent,
  zones: readonly Zone[],
  emitted: { hashFiles: boolean; caPem: string; pullSecret: string },
): CheckInput {
  const { registry, web } = site;
  const { http } = webUrls(site);
  const sources = [...new Set(loaded.images.map((image) => image.origin.split('/')[0] ?? ''))].filter(
    (host) => host.includes('.') && !host.includes(':'),
  );
  return {
    registry: { host: registry.host, port: registry.port, tls: true },
    services: [
      { title: 'registry', host: registry.host, port: registry.port, tls: true },
      { title: 'web server', host: web.host, port: web.httpPort, tls: false },
      { title: 'web server', host: web.host, port: web.httpsPort, tls: true },
    ],
    names: zones
      .flatMap(plannedNames)
      .map(({ name, addresses }) => ({ name, addresses: [...addresses.A, ...addresses.AAAA] })),
    pointers: zones.flatMap(plannedPointers),
    unwantedNames: [...sources, ...findMustNotResolve(zoneInput(site, 1), sources).map((absent) => absent.name)],
    caPem: emitted.caPem,
    pullSecret: emitted.pullSecret,
    images: pullReferences(loaded.images, siteTarget(site)).map(({ reference, digest, absent }) => ({
      reference,
      digest,
      absent,
    })),
    files: loaded.webFiles.map((file) => ({
      url: `${http}${encodeURI(file.webPath)}`,
      sizeBytes: file.sizeBytes,
      sha256: file.sha256,
    })),
    hashFiles: emitted.hashFiles,
  };
}

function siteResolvers(site: Site): CheckedResolver[] {
  return dnsServers(site).map((server) => ({
    address: hostPort(server.address, server.port),
    lookup: (name, family, run) => lookupAddresses({ server, name, types: [family === 4 ? 'A' : 'AAAA'] }, run),
    async lookupPointer(name, run) {
      const { answers } = await lookup({ server, name, type: 'PTR' }, run);
      return answers.filter((record) => record.type === 'PTR').map((record) => record.value);
    },
  }));
}

/** Asks the site's DNS servers in order; the next one only when one does not answer. */
function siteLookupOf(resolvers: readonly CheckedResolver[]): CheckClients['lookup'] {
  return async (name: string, family: IpFamily, run: Run) => {
    let failure: unknown = new AirlockError('DNS_UNREACHABLE', 'the site has no DNS server', {
      hint: 'name them in spec.dns.servers',
    });
    for (const resolver of resolvers) {
      try {
        return await resolver.lookup(name, family, run);
      } catch (error) {
        if (run.signal.aborted) throw error;
        failure = error;
      }
    }
    throw failure;
  };
}

function checkClients(
  http: HttpClient,
  lookup: CheckClients['lookup'],
  caPem: string,
  registriesConf: string,
  user: { readonly username: string; readonly password: string },
): Omit<CheckClients, 'resolvers'> {
  const rules = parseRegistriesConf(registriesConf, 'hosts/registries.conf');
  return {
    lookup,
    mapReference: (reference: Reference) =>
      mapReference(reference, rules).candidates.map((candidate) => candidate.reference),
    registry: createRemote({
      http,
      side: 'target',
      stage: 'check',
      credentials: staticCredentials(user.username, user.password),
      retry: { retryTimes: 1 },
    }),
    request: createCheckRequest({ lookup, caPem }),
  };
}

function emittedText(files: readonly EmittedFile[], name: string): string {
  const file = files.find((one) => one.path === name);
  if (!file) throw new Error(`emit did not write ${name}`);
  return file.content;
}
