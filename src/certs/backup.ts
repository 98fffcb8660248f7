import { createHash } from 'node:crypto';
import path from 'node:path';
import { AirlockError } from '../core/errors.ts';
import { findFile, readFileLimited, writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { describeCertificate } from './describe.ts';
import { certificatePaths } from './folder.ts';

// One JSON file: {"apiVersion":"airlock/v1alpha1","kind":"CertificateBackup","createdAt":…,"files":[{"name","sha256","content"}]}.
// It holds private keys in the clear, so it is written with mode 0600, as the folder's own keys are.

const apiVersion = 'airlock/v1alpha1';
const kind = 'CertificateBackup';

interface BackupFile {
  readonly name: string;
  readonly sha256: string;
  readonly content: string;
}

/** Saves every certificate and key of a folder into one file of mode 0600. @throws AirlockError BACKUP_INVALID (nothing there), disk errors */
export async function backupCertificates(folder: string, file: string, run: Run): Promise<readonly string[]> {
  const files: BackupFile[] = [];
  for (const name of knownNames(folder)) {
    const content = (await findFile(path.join(folder, name), run))?.toString();
    if (content !== undefined) files.push({ name, content, sha256: sha256Of(content) });
  }
  if (files.length === 0) throw new AirlockError('BACKUP_INVALID', `${folder} holds no certificates`);
  await writeFileAtomic(file, prettyJson({ apiVersion, kind, createdAt: run.now().toISOString(), files }), run, 0o600);
  return files.map(({ name }) => name);
}

/**
 * Puts a backup's files back, keys with mode 0600; files that the backup does not have are removed, so that no half of another CA stays.
 * A folder whose CA is another one is left alone unless `replace`.
 * @throws AirlockError BACKUP_INVALID, CA_INVALID (another CA is there), disk errors
 */
export async function restoreCertificates(
  options: { readonly file: string; readonly folder: string; readonly replace?: boolean },
  run: Run,
): Promise<readonly string[]> {
  const names = knownNames(options.folder);
  const files = parseBackup((await readFileLimited(options.file, run)).toString(), names);
  await assertSameCa(options.folder, files, options.replace ?? false, run);
  await run.disk.makeDirectory(options.folder, 0o700);
  for (const { name, content } of files)
    await writeFileAtomic(path.join(options.folder, name), content, run, name.endsWith('.key') ? 0o600 : 0o644);
  for (const name of names)
    if (!files.some((file) => file.name === name)) await run.disk.remove(path.join(options.folder, name));
  return files.map(({ name }) => name);
}

function parseBackup(text: string, names: readonly string[]): BackupFile[] {
  const invalid = (why: string): AirlockError => new AirlockError('BACKUP_INVALID', `the backup ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AirlockError('BACKUP_INVALID', 'the backup is not JSON', { cause: error });
  }
  if (!isRecord(value) || value['kind'] !== kind) throw invalid(`is no ${kind}`);
  if (value['apiVersion'] !== apiVersion)
    throw invalid(`has apiVersion ${String(value['apiVersion'])}, not ${apiVersion}`);
  const files = Array.isArray(value['files']) ? value['files'] : [];
  for (const file of files) {
    if (!isBackupFile(file) || !names.includes(file.name))
      throw invalid('names a file that does not belong in a certificate folder');
    if (sha256Of(file.content) !== file.sha256) throw invalid(`is damaged: ${file.name} has another digest`);
  }
  if (new Set(files.map(({ name }) => name)).size !== files.length) throw invalid('names a file twice');
  if (files.length === 0) throw invalid('is empty');
  return files;
}

async function assertSameCa(folder: string, files: readonly BackupFile[], replace: boolean, run: Run): Promise<void> {
  const { ca } = certificatePaths(folder);
  const present = (await findFile(ca, run))?.toString();
  const saved = files.find(({ name }) => name === path.basename(ca))?.content;
  if (replace || present === undefined || saved === present) return;
  throw new AirlockError(
    'CA_INVALID',
    `${folder} holds another CA (${describeCertificate(present).fingerprintSha256})`,
    {
      hint: 'back it up first, then restore with --replace',
    },
  );
}

function knownNames(folder: string): string[] {
  const { folder: _, ...files } = certificatePaths(folder);
  return Object.values(files).map((file: string) => path.basename(file));
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isBackupFile(value: unknown): value is BackupFile {
  return (
    isRecord(value) && [value['name'], value['sha256'], value['content']].every((field) => typeof field === 'string')
  );
}
