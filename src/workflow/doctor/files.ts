import { stat } from 'node:fs/promises';
import { daysLeft, describeCertificate } from '../../certs/index.ts';
import { listSiteFiles, type Site } from '../../config/index.ts';
import { errorText } from '../../core/errors.ts';
import { readFileLimited } from '../../core/files.ts';
import type { Finding } from '../../core/findings.ts';
import type { Run } from '../../core/run.ts';
import { findFileFault } from '../named-files.ts';

/** What others than its owner should not read. */
const secretField = /(?:credentialsFile|passwordFile|[kK]eyFile|[kK]ubeconfig)$/;

/** Every file that the site names: there, readable, private where it holds a secret, and a certificate in its time. */
export async function checkFiles(
  site: Site,
  run: Run,
): Promise<{ readonly count: number; readonly findings: Finding[] }> {
  const files = listSiteFiles(site);
  const findings: Finding[] = [];
  for (const named of files) findings.push(...(await checkFile(named, run)));
  return { count: files.length, findings };
}

async function checkFile(
  { path, file, reader }: ReturnType<typeof listSiteFiles>[number],
  run: Run,
): Promise<Finding[]> {
  const field = path.join('.');
  const subject = `${field}: ${file}`;
  const fault = await findFileFault(file, 'file');
  if (fault?.kind === 'missing') {
    // Files that come later than the services, or are not read on the bastion.
    const isLater = reader !== 'bastion';
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
  if (fault) {
    const hint =
      fault.kind === 'closed'
        ? 'run this as the user who runs the services, or change owner and mode'
        : 'correct the path in the site file';
    return [{ code: 'DOCTOR_FILE_UNREADABLE', severity: 'error', subject, message: fault.message, hint }];
  }
  const { mode } = await stat(file);
  const isPrivateKey = secretField.test(field) && !/sshKeyFile$/.test(field);
  const open: Finding[] =
    isPrivateKey && (mode & 0o077) !== 0
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
