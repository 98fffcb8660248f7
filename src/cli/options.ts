import { AirlockError } from '../core/errors.ts';
import { parseBytes } from '../core/units.ts';
import type { OptionSpec } from './command.ts';

/** Text to boolean for `--x-tls-verify=false`; the bare flag means true. */
export function parseBoolean(text: string): boolean {
  if (/^(?:true|1|yes|on)$/i.test(text)) return true;
  if (/^(?:false|0|no|off)$/i.test(text)) return false;
  throw new AirlockError('USAGE', `"${text}" is neither true nor false`);
}

export function parseCount(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    throw new AirlockError('USAGE', `"${text}" is not a whole number from ${minimum} to ${maximum}`);
  };
}

/** Options of every command. */
export const globalOptions: readonly OptionSpec[] = [
  {
    flags: '-o, --output <format>',
    summary: 'how the result is printed on standard output',
    choices: ['text', 'json', 'yaml'],
    default: 'text',
  },
  {
    flags: '--log-level <level>',
    summary: 'least level that is shown on standard error',
    choices: ['error', 'warn', 'info', 'debug'],
    default: 'info',
  },
  {
    flags: '--log-format <format>',
    summary: 'console: lines for people; json: every event as one JSON object a line',
    choices: ['console', 'json'],
    default: 'console',
  },
  { flags: '-v, --verbose', summary: 'the same as --log-level debug' },
  { flags: '--no-color', summary: 'no colours (also: NO_COLOR)' },
  {
    flags: '--log-file <file>',
    summary: 'append every message there too, debug ones as well, each with its time; credentials are left out',
  },
  { flags: '--no-progress', summary: 'no progress on standard error' },
  { flags: '-y, --yes', summary: 'answer every question with yes' },
];

export const siteOption: OptionSpec = {
  flags: '-f, --site <file>',
  summary: 'the site file (default: ./site.yaml where there is one)',
};

/** Where further parts of a bundle lie. */
export const mediaOption: OptionSpec = {
  flags: '--media <dir,...>',
  summary: 'further folders where parts of the same bundle lie; BUNDLE is the first',
};

export const configOption: OptionSpec = {
  flags: '-c, --config <file>',
  summary: 'the ImageSetConfiguration (v2alpha1), as for oc-mirror; default: the one that the site file names',
};
export const workspaceOption: OptionSpec = {
  flags: '--workspace <dir>',
  summary: 'where generation records and plans are kept (default: DIR/.airlock); file:// in front is accepted',
};

/** How sources are reached. */
export const sourceOptions: readonly OptionSpec[] = [
  {
    flags: '--authfile <file>',
    summary: 'credentials of registries; default: the look-up of the containers tools, REGISTRY_AUTH_FILE first',
  },
  {
    flags: '--src-tls-verify [bool]',
    summary: 'false: accept bad certificates and plain HTTP of source registries',
    default: true,
    parse: parseBoolean,
  },
  { flags: '--src-ca-file <file>', summary: 'PEM file of further CAs for source registries and servers' },
  {
    flags: '--registries-conf <file>',
    summary: 'registries.conf for sources (default: CONTAINERS_REGISTRIES_CONF, then the user and system files)',
  },
  {
    flags: '--retry-times <n>',
    summary: 'how often a failed request is tried again',
    default: 5,
    parse: parseCount(0, 100),
  },
  {
    flags: '--retry-delay <seconds>',
    summary: 'seconds between tries; 0: 1, 2, 4, 8, 16 …',
    default: 0,
    parse: parseCount(0, 3600),
  },
  { flags: '--parallel-images <n>', summary: 'images looked at at once', default: 4, parse: parseCount(1, 64) },
  {
    flags: '--parallel-layers <n>',
    summary: 'large blobs moved at once; to a target four times as many small ones',
    default: 8,
    parse: parseCount(1, 64),
  },
  {
    flags: '--max-bandwidth <bytes>',
    summary: 'upper limit in bytes a second for all transfers together, for example 50MB',
    parse: parseBytes,
  },
];

/** How the target registry is reached. */
export const targetOptions: readonly OptionSpec[] = [
  {
    flags: '--dest-tls-verify [bool]',
    summary: 'false: accept bad certificates and plain HTTP of the target registry',
    default: true,
    parse: parseBoolean,
  },
  { flags: '--dest-ca-file <file>', summary: 'PEM file of further CAs for the target registry' },
  {
    flags: '--max-nested-paths <n>',
    summary: 'path elements that the target registry takes; names above are joined with "-"; 0: no limit',
    parse: parseCount(0, 100),
  },
];

/** What is selected. */
export const selectionOptions: readonly OptionSpec[] = [
  {
    flags: '--rhcos [arch,...]',
    summary: 'carry RHCOS boot files (x86_64, aarch64, ppc64le, s390x); on by itself when a site file is given',
  },
  { flags: '--no-rhcos', summary: 'carry no RHCOS boot files' },
  { flags: '--rhcos-url <base>', summary: "replaces scheme and host of the RHCOS stream's URLs" },
  {
    flags: '--graph-url <url>',
    summary: 'graph data for graph: true, where UPDATE_URL_OVERRIDE names an update service of your own',
  },
  {
    flags: '--release-key <file>',
    summary: 'armored public key of the release signatures (also: OCP_SIGNATURE_VERIFICATION_PK)',
  },
  { flags: '--ignore-release-signature', summary: 'take releases without a right signature too' },
  { flags: '--remove-signatures', summary: 'carry no image signatures and referrers' },
];
