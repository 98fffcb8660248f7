import type { CommandSpec } from '../command.ts';
import { mediaOption, parseCount, siteOption } from '../options.ts';

const certs = () => import('./certs.ts');
const dns = () => import('./dns.ts');
const registry = () => import('./registry-tools.ts');
const web = () => import('./web.ts');

/** The parts of the bastion on their own. */
export const partCommands: readonly CommandSpec[] = [
  {
    name: 'certs init',
    summary: 'make the CA and the server certificate of the site; left alone while they fit',
    options: [siteOption],
    examples: ['airlock certs init -f site.yaml'],
    load: async () => (await certs()).runCertsInit,
  },
  {
    name: 'certs show',
    summary: 'certificates, and every consumer of the CA with the fingerprint that it holds',
    options: [siteOption, { flags: '--manifests <dir>', summary: 'the folder that emit wrote (default: manifests)' }],
    examples: ['airlock certs show', 'airlock certs show -o json'],
    load: async () => (await certs()).runCertsShow,
  },
  {
    name: 'certs renew',
    summary: 'issue a new server certificate; running services take it without dropping connections',
    options: [siteOption],
    examples: ['airlock certs renew'],
    load: async () => (await certs()).runCertsRenew,
  },
  {
    name: 'certs change-ca',
    summary: 'one step of a CA change: add, switch, drop, or abandon before the switch',
    description:
      'Between add and switch the new CA is spread: airlock emit, apply, certs install; certs show tells who lacks it.',
    arguments: [{ name: '<step>', summary: 'add, switch, drop or abandon' }],
    options: [siteOption, { flags: '--ca <file>', summary: 'with add: a CA of your own to come' }],
    examples: ['airlock certs change-ca add', 'airlock certs change-ca switch'],
    load: async () => (await certs()).runCertsChange,
  },
  {
    name: 'certs csr',
    summary: 'a signing request for a corporate CA',
    options: [siteOption, { flags: '--out <file>', summary: 'where the request goes' }],
    examples: ['airlock certs csr --out site.csr'],
    load: async () => (await certs()).runCertsCsr,
  },
  {
    name: 'certs import',
    summary: 'take in what a corporate CA signed',
    arguments: [{ name: '<certificate>', summary: 'PEM: the server certificate, then intermediates' }],
    options: [
      siteOption,
      {
        flags: '--ca <file>',
        summary: 'intermediates that neither it nor certificates.caFile of the site file holds',
      },
      { flags: '--key <file>', summary: 'its key; left out: the key of the request' },
    ],
    examples: ['airlock certs import site.crt'],
    load: async () => (await certs()).runCertsImport,
  },
  {
    name: 'certs install',
    summary: 'put the CA into the trust of this host and into /etc/containers/certs.d',
    options: [siteOption, { flags: '--root <dir>', summary: 'a file system other than /' }],
    examples: ['airlock certs install'],
    load: async () => (await certs()).runCertsInstall,
  },
  {
    name: 'certs backup',
    summary: 'all keys and certificates of the site in one file (0600)',
    arguments: [{ name: '<file>', summary: 'where to' }],
    options: [siteOption],
    examples: ['airlock certs backup certs.json'],
    load: async () => (await certs()).runCertsBackup,
  },
  {
    name: 'certs restore',
    summary: 'put a backup back',
    arguments: [{ name: '<file>', summary: 'the backup' }],
    options: [siteOption, { flags: '--replace', summary: 'also when another CA is there' }],
    examples: ['airlock certs restore certs.json'],
    load: async () => (await certs()).runCertsRestore,
  },
  {
    name: 'certs signing-key',
    summary: 'a key pair (ECDSA P-256) for signing bundles',
    arguments: [{ name: '[file]', summary: 'private key; default: airlock-signing.key' }],
    options: [],
    examples: ['airlock certs signing-key site.key'],
    load: async () => (await certs()).runCertsSigningKey,
  },
  {
    name: 'dns zone',
    summary: 'the zones of the site as text',
    options: [
      siteOption,
      {
        flags: '--format <form>',
        summary: 'how',
        choices: ['bind', 'dnsmasq', 'hosts', 'nsupdate', 'named.conf'],
        default: 'bind',
      },
    ],
    examples: ['airlock dns zone', 'airlock dns zone --format dnsmasq'],
    load: async () => (await dns()).runDnsZone,
  },
  {
    name: 'dns serve',
    summary: 'the embedded authoritative server alone, in the foreground',
    options: [
      siteOption,
      {
        flags: '--listen <address>',
        summary: 'ADDRESS:PORT, several with commas (default: the addresses and port of the site)',
      },
    ],
    examples: ['airlock dns serve --listen 127.0.0.1:5353'],
    resumeHint: 'the server is stopped; run the same command to start it again',
    load: async () => (await dns()).runDnsServe,
  },
  {
    name: 'dns query',
    summary: 'ask a DNS server one question; never the resolver of this host',
    arguments: [
      { name: '<name>', summary: 'what to ask for' },
      { name: '[type]', summary: 'A, AAAA, PTR, NS, SOA, CNAME, SRV or TXT; default: A' },
    ],
    options: [siteOption, { flags: '--server <address>', summary: 'ADDRESS[:PORT] (default: that of the site)' }],
    examples: ['airlock dns query registry.lab.example.com AAAA'],
    load: async () => (await dns()).runDnsQuery,
  },
  {
    name: 'dns lint',
    summary: 'traps in the zones: search domains, wildcards, names that must not resolve',
    options: [siteOption, { flags: '--live', summary: 'ask the running server for every planned name too' }],
    examples: ['airlock dns lint', 'airlock dns lint --live'],
    load: async () => (await dns()).runDnsLint,
  },
  {
    name: 'web serve',
    summary: 'the web server alone, in the foreground: what was loaded at the site, or every file of a folder',
    description:
      'Prints a line with each URL on standard output when it is ready. With a site the certificates are its own; a folder is served over plain HTTP unless a certificate is named. Every file is read once at start: what is served has the digest of then.',
    options: [
      siteOption,
      { flags: '--root <dir>', summary: 'serve every file below this folder, and nothing of a site' },
      {
        flags: '--listen <address>',
        summary: 'ADDRESS:PORT, several with commas (default: those of the site; with --root 127.0.0.1:8080)',
      },
      { flags: '--tls-cert <file>', summary: 'with --root: certificate chain, PEM; then HTTPS is served' },
      { flags: '--tls-key <file>', summary: 'its key' },
      { flags: '--access-log <file>', summary: 'append a line for each request, as nginx does' },
    ],
    examples: ['airlock web serve -f site.yaml', 'airlock web serve --root /mnt/rhcos --listen [::]:8080'],
    resumeHint: 'the server is stopped; run the same command to start it again',
    load: async () => (await web()).runWebServe,
  },
  {
    name: 'registry serve',
    summary: 'the embedded registry alone, in the foreground',
    description: 'Prints one line with the URL on standard output when it is ready.',
    options: [
      { flags: '--storage <dir>', summary: "storage in distribution's layout; it is made when it is not there" },
      {
        flags: '--bundle <bundle>',
        summary: 'serve a bundle in place, read-only: a generation, a chain, parts, an archive of oc-mirror',
      },
      mediaOption,
      {
        flags: '--listen <address>',
        summary: 'ADDRESS:PORT, IPv6 in brackets; several with commas',
        default: '127.0.0.1:5000',
      },
      { flags: '--tls-cert <file>', summary: 'certificate chain, PEM' },
      { flags: '--tls-key <file>', summary: 'its key' },
      { flags: '--htpasswd <file>', summary: 'users with bcrypt hashes; left out: everybody may do everything' },
      { flags: '--anonymous-pull', summary: 'with --htpasswd: reading needs no credentials' },
      { flags: '--read-only', summary: 'take no writes' },
      { flags: '--allow-sparse', summary: 'accept indexes and images of which not every instance and layer is there' },
      { flags: '--access-log <file>', summary: 'append a line for each request, as nginx does' },
    ],
    examples: [
      'airlock registry serve --storage /opt/registry/data --listen [::]:5000',
      'airlock registry serve --bundle bundles/out/gen-000001',
    ],
    resumeHint: 'the registry is stopped; run the same command to start it again',
    load: async () => (await import('./registry-serve.ts')).runRegistryServe,
  },
  {
    name: 'registry login',
    summary: "write the registry user of the site into the container tools' auth file",
    options: [siteOption, { flags: '--authfile <file>', summary: 'which file' }],
    examples: ['airlock registry login'],
    load: async () => (await registry()).runRegistryLogin,
  },
  {
    name: 'registry passwd',
    summary: 'a new random password for the registry user',
    options: [siteOption],
    examples: ['airlock registry passwd -y'],
    load: async () => (await registry()).runRegistryPasswd,
  },
  {
    name: 'registry read-only',
    summary: 'take no pushes and deletes from clients from now on, or take them again; load writes in any case',
    arguments: [{ name: '<switch>', summary: 'on or off' }],
    options: [siteOption],
    examples: ['airlock registry read-only on', 'airlock registry read-only off'],
    load: async () => (await registry()).runRegistryReadOnly,
  },
  {
    name: 'registry gc',
    summary: 'remove blobs that nothing needs; shows bytes first, services have to be down',
    options: [
      siteOption,
      { flags: '--untagged', summary: 'manifests without a tag too' },
      { flags: '--dry-run', summary: 'only show' },
    ],
    examples: ['airlock registry gc --dry-run', 'airlock registry gc -y'],
    load: async () => (await registry()).runRegistryGc,
  },
  {
    name: 'registry logs',
    summary: "the registry's log",
    options: [
      siteOption,
      { flags: '--tail <n>', summary: 'last lines', default: 100, parse: parseCount(1, 1_000_000) },
      { flags: '--follow', summary: 'go on as it grows (Podman)' },
    ],
    examples: ['airlock registry logs --tail 20'],
    resumeHint: 'run the same command to read on',
    load: async () => (await registry()).runRegistryLogs,
  },
  {
    name: 'registry backup',
    summary: 'copy storage, certificates and users of the registry; blobs are checked on the way',
    arguments: [{ name: '<dir>', summary: 'where to' }],
    options: [siteOption],
    examples: ['airlock registry backup /mnt/backup'],
    load: async () => (await registry()).runRegistryBackup,
  },
  {
    name: 'registry restore',
    summary: 'put a backup of the registry back',
    arguments: [{ name: '<dir>', summary: 'the backup' }],
    options: [siteOption],
    examples: ['airlock registry restore /mnt/backup -y'],
    load: async () => (await registry()).runRegistryRestore,
  },
];
