import type { WebSite } from './site.ts';
import type { StatusFile, StatusModel } from './status-model.ts';
import type { FileVerdict, VerifiedFiles } from './verified-files.ts';

/** The model with what the web server itself found out about files that its maker could not judge (level `unknown`). */
export function withVerdicts(model: StatusModel, site: WebSite, verified: VerifiedFiles): StatusModel {
  if (!model.files) return model;
  const judge = (file: StatusFile): StatusFile => {
    const entry = file.level === 'unknown' ? site.files.get(file.path) : undefined;
    return entry ? { ...file, ...outcome(verified.verdict(entry)) } : file;
  };
  return { ...model, files: model.files.map(judge) };
}

function outcome(verdict: FileVerdict): Pick<StatusFile, 'level' | 'state'> {
  if (verdict.kind === 'good') return { level: 'good', state: 'checked' };
  if (verdict.kind === 'unknown') return { level: 'unknown', state: 'being checked' };
  return { level: 'bad', state: verdict.code === 'WEB_FILE_MISSING' ? 'missing' : 'damaged, not served' };
}
