import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { daysLeft, describeCertificate } from '../../certs/index.ts';
import type { Site } from '../../config/index.ts';
import { errorText } from '../../core/errors.ts';
import { readFileLimited } from '../../core/files.ts';
import type { Finding } from '../../core/findings.ts';
import type { Run } from '../../core/run.ts';

/** A file that the site names. */
interface NamedFile {
  /** `certificates.caFile`, `hostedClusters.0.sshKeyFile`. */
  readonly field: string;
  readonly file: string;
}

/** Fields that hold paths of files; folders of `paths` are looked at by themselves. */
const fileField = /(?:File|[kK]ubeconfig|imageSet|nmstate|Script)$/;
const listField = /(?:machineConfigs|tuned)$/;
/** What others than its owner should not read. */
const secretField = /(?:credentialsFile|passwordFile|[kK]eyFile|[kK]ubeconfig)$/;
/** Files that come later than the services, or are not read on the bastion. */
const laterField = /(?:[kK]ubeconfig|imageSet)$/;

/** Every file that the site names: there, readable, private where it holds a secret, and a certificate in its time. */
export async function checkFiles(
  site: Site,
  run: Run,
): Promise<{ readonly count: number; readonly findings: Finding[] }> {
  const files = listFiles(site, []);
  const findings: Finding[] = [];
  for (const named of files) findings.push(...(await checkFile(named, run)));
  return { count: files.length, findings };
}

function listFiles(value: unknown, path: readonly string[]): NamedFile[] {
  const field = path.join('.');
  if (typeof value === 'string') {
    const isListed = listField.test(path.slice(0, -1).join('.'));
    return value.startsWith('/') && (fileField.test(field) || isListed) ? [{ field, file: value }] : [];
  }
  if (typeof value !== 'object' || value === null || path[0] === 'paths') return [];
  return Object.entries(value).flatMap(([key, item]) => listFiles(item, [...path, key]));
}

async function checkFile({ field, file }: NamedFile, run: Run): Promise<Finding[]> {
  const subject = `${field}: ${file}`;
  const stat = await run.disk.stat(file);
  if (!stat) {
    const isLater = laterField.test(field);
    return [
      {
        code: 'DOCTOR_FILE_MISSING',
        severity: isLater ? 'info' : 'error',
        subject,
        message: isLater ? 'is not there yet' : 'is not there',
        hint: isLater
          ? 'nothing that runs on the bastion before "airlock apply" needs it'
          : 'bring it, or correct the path in the site file',
      },
    ];
  }
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    const hint = 'run this as the user who runs the services, or change owner and mode';
    return [{ code: 'DOCTOR_FILE_UNREADABLE', severity: 'error', subject, message: errorText(error), hint }];
  }
  const isPrivateKey = secretField.test(field) && !/sshKeyFile$/.test(field);
  const open: Finding[] =
    isPrivateKey && ((stat.mode ?? 0) & 0o077) !== 0
      ? [
          {
            code: 'DOCTOR_FILE_OPEN',
            severity: 'warning',
            subject,
            message: 'holds a secret that other users of this host may read',
            hint: `chmod 600 ${file}`,
          },
        ]
      : [];
  return [
    ...open,
    ...(/^certificates\.(?:caFile|certificateFile)$/.test(field) ? await checkCertificate(file, subject, run) : []),
  ];
}

const soonDays = 30;

async function checkCertificate(file: string, subject: string, run: Run): Promise<Finding[]> {
  const code = 'DOCTOR_CERTIFICATE';
  try {
    const { notBefore, notAfter } = describeCertificate((await readFileLimited(file, run)).toString());
    const now = run.now();
    if (notAfter < now || notBefore > now) {
      const message = `is valid from ${notBefore.toISOString()} to ${notAfter.toISOString()}, and now is ${now.toISOString()}`;
      return [
        {
          code,
          severity: 'error',
          subject,
          message,
          hint: 'look at the clock of this host, or get another certificate',
        },
      ];
    }
    const days = daysLeft(notAfter, now);
    if (days > soonDays) return [];
    return [{ code, severity: 'warning', subject, message: `ends in ${days} days`, hint: 'get another one in time' }];
  } catch (error) {
    return [
      { code, severity: 'error', subject, message: errorText(error), hint: 'name a PEM file with a certificate' },
    ];
  }
}
