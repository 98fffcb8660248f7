import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { type FileReader, findNamedFiles, type NamedFile } from '../config/index.ts';
import { errorText } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';

/** Why a file that is named cannot be used: there is none, it is a folder (or none, where one is wanted), this user may not read it. */
export interface FileFault {
  readonly kind: 'missing' | 'other' | 'closed';
  readonly message: string;
}

/** Looks at a file or folder as the commands would that open it, through links. */
export async function findFileFault(file: string, wanted: NamedFile['kind']): Promise<FileFault | undefined> {
  try {
    const isFolder = (await stat(file)).isDirectory();
    if (isFolder && wanted === 'file') return { kind: 'other', message: 'is a folder' };
    if (!isFolder && wanted === 'folder') return { kind: 'other', message: 'is no folder' };
    await access(file, constants.R_OK);
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return ['ENOENT', 'ENOTDIR'].includes(code)
      ? { kind: 'missing', message: 'is not there' }
      : { kind: 'closed', message: errorText(error) };
  }
}

/**
 * What a configuration file names and this host has not. A file that only the other side of the gap opens is no error: the bastion is known by
 * the site's state folder, which a load makes; on any other host its files are remarks, since a site file is written where no secret lies.
 */
export async function lintNamedFiles(file: string, text: string): Promise<Finding[]> {
  const { files, stateFolder } = findNamedFiles(file, text);
  const isBastion = stateFolder !== undefined && (await findFileFault(stateFolder, 'folder')) === undefined;
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const named of files) {
    // Hosts often share a file of credentials: said once, at its first place.
    if (seen.has(named.file)) continue;
    seen.add(named.file);
    const fault = await findFileFault(named.file, named.kind);
    if (fault) findings.push(describeFault(file, named, fault, isBastion));
  }
  return findings;
}

function describeFault(file: string, named: NamedFile, fault: FileFault, isBastion: boolean): Finding {
  const { line, column, reader } = named;
  // A folder in the place of a file is wrong on every host.
  const severity = fault.kind === 'other' ? 'error' : severities[reader][isBastion ? 'bastion' : 'elsewhere'];
  return {
    code: 'CONFIG_FILE',
    severity,
    subject: file,
    message: fault.kind === 'closed' ? fault.message : `${named.file} ${fault.message}`,
    hint: fault.kind === 'missing' ? hints[reader] : 'correct the path, or what lies there',
    place: { file, line, column, path: named.place },
  };
}

type Severity = Finding['severity'];

const severities: Readonly<Record<FileReader, Readonly<Record<'bastion' | 'elsewhere', Severity>>>> = {
  connected: { bastion: 'info', elsewhere: 'error' },
  // Before its first load a bastion is not known for one.
  'site-connected': { bastion: 'info', elsewhere: 'warning' },
  bastion: { bastion: 'error', elsewhere: 'info' },
  apply: { bastion: 'info', elsewhere: 'info' },
  optional: { bastion: 'info', elsewhere: 'warning' },
};

const hints: Readonly<Record<FileReader, string>> = {
  connected: 'correct the path: "airlock plan" and "airlock build" read it',
  'site-connected': 'correct the path: "airlock plan" and "airlock build" read it; the bastion needs none',
  bastion: 'correct the path, or bring it to the bastion, which reads it; "airlock doctor" looks there',
  apply: 'correct the path, or bring it to the bastion before "airlock apply"',
  optional: 'correct the path: without it "airlock plan" takes the plain form',
};
