import { AirlockError } from '../core/errors.ts';
import { redactText } from '../core/redact.ts';
import type { Run } from '../core/run.ts';

/** The little of HTTP that collecting needs (update service, signatures, charts, sizes of CoreOS files); `workflow` wires it to the real client. */
export interface HttpAccess {
  /** A small body, whatever the status. @throws AirlockError when the server cannot be reached */
  getUrl(
    url: string,
    headers: Readonly<Record<string, string>>,
    run: Run,
  ): Promise<{ readonly status: number; readonly body: Buffer }>;
  /** What HEAD says; `sizeBytes` is undefined without Content-Length. @throws AirlockError when the server cannot be reached */
  headUrl(url: string, run: Run): Promise<{ readonly status: number; readonly sizeBytes: number | undefined }>;
}

/** A URL of http or https. `base` makes relative ones whole. @throws AirlockError URL_INVALID */
export function parseHttpUrl(text: string, base?: string): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new AirlockError('URL_INVALID', `"${redactText(text)}" is not an http or https URL`);
}
