import { createHash } from 'node:crypto';
import { errorText, isAirlockError } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { finding } from '../finding.ts';
import type { CheckClients, CheckedFile, CheckInput, FileAnswer } from '../input.ts';
import type { CheckPart } from '../report.ts';

/** Whether the web server has every file, whole, and serves parts of it, as machines that boot over the network ask. */
export async function checkFiles(input: CheckInput, clients: CheckClients, run: Run): Promise<CheckPart> {
  let fileBytes = 0;
  // Two at once: they are large, and the disk is one.
  const findings = await mapLimited(input.files, 2, async (file) => {
    try {
      const found = await checkFile(file, input.hashFiles ?? true, clients, run);
      if (found.length === 0) fileBytes += file.sizeBytes;
      return found;
    } catch (error) {
      if (isAirlockError(error, 'CANCELLED') || run.signal.aborted) throw error;
      const hint = 'start the web server (airlock up) and look at its log';
      return [finding('CHECK_FILE_FAILED', file.url, `${file.url} failed: ${errorText(error)}`, hint)];
    }
  });
  return { findings: findings.flat(), counts: { files: input.files.length, fileBytes } };
}

async function checkFile(file: CheckedFile, hash: boolean, clients: CheckClients, run: Run): Promise<Finding[]> {
  const hint = 'load the bundle again (airlock load)';
  const head = await clients.request({ method: 'HEAD', url: file.url }, run);
  head.body.destroy();
  if (head.status !== 200) return [finding('CHECK_FILE_MISSING', file.url, `${file.url} answers ${head.status}`, hint)];
  if (head.sizeBytes !== file.sizeBytes)
    return [
      finding('CHECK_FILE_SIZE', file.url, `${file.url} has ${head.sizeBytes} bytes, not ${file.sizeBytes}`, hint),
    ];
  const findings: Finding[] = [];
  const part = await clients.request({ method: 'GET', url: file.url, headers: { range: 'bytes=0-0' } }, run);
  part.body.destroy();
  if (part.status !== 206 && file.sizeBytes > 0)
    findings.push(
      finding(
        'CHECK_FILE_RANGE',
        file.url,
        `${file.url} answers ${part.status} to a range`,
        'use a web server that serves ranges: virtual media reads parts of the ISO',
        'warning',
      ),
    );
  if (!hash) return findings;
  const answer = await clients.request({ method: 'GET', url: file.url }, run);
  const sha256 = await hashBody(answer, file, run);
  if (sha256 !== file.sha256)
    findings.push(finding('CHECK_FILE_DIGEST', file.url, `${file.url} has sha256 ${sha256}, not ${file.sha256}`, hint));
  return findings;
}

async function hashBody(answer: FileAnswer, file: CheckedFile, run: Run): Promise<string> {
  const hash = createHash('sha256');
  let doneBytes = 0;
  let saidBytes = 0;
  for await (const chunk of answer.body) {
    hash.update(chunk);
    doneBytes += chunk.length;
    if (doneBytes - saidBytes < 16 << 20 && doneBytes !== file.sizeBytes) continue;
    saidBytes = doneBytes;
    run.report({ stage: 'check', subject: file.url, state: 'active', doneBytes, totalBytes: file.sizeBytes });
  }
  run.report({ stage: 'check', subject: file.url, state: 'finished', doneBytes, totalBytes: file.sizeBytes });
  return hash.digest('hex');
}
