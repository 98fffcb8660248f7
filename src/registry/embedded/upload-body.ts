import { type Exchange, Refusal, readBody } from './respond.ts';
import type { UploadSession } from './upload-sessions.ts';

/** Reads the body into the upload. What came before a broken connection is kept: the client may go on from there. */
export async function receive({ request }: Exchange, { upload }: UploadSession): Promise<void> {
  for await (const chunk of readBody(request)) await upload.write(chunk);
}

/** @throws Refusal with 416 when a Content-Range does not start where the upload ends, or does not fit the length of the body */
export function assertInOrder({ request }: Exchange, session: UploadSession): void {
  const text = request.headers['content-range'];
  if (text === undefined) return;
  // The specification's form is `start-end`, both inclusive; some clients write the `bytes start-end/*` of RFC 9110.
  const match = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/(?:\*|\d+))?$/.exec(text);
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  const length = request.headers['content-length'];
  const fits = length === undefined || end - start + 1 === Number(length) || (end === 0 && Number(length) === 0);
  if (match && start === session.upload.sizeBytes && fits) return;
  throw new Refusal(
    'BLOB_UPLOAD_INVALID',
    `chunk ${text} is out of order: ${session.upload.sizeBytes} bytes are here`,
    {
      status: match ? 416 : 400,
      headers: progressHeaders(session),
    },
  );
}

/** Where the upload goes on. */
function uploadLocation(session: UploadSession): string {
  return `/v2/${session.repository}/blobs/uploads/${session.id}`;
}

/** The headers that say where an upload goes on and how far it is. */
export function progressHeaders(session: UploadSession): Record<string, string> {
  return {
    location: uploadLocation(session),
    // Inclusive, so that nothing and one byte read alike: distribution and every client live with it.
    range: `0-${Math.max(0, session.upload.sizeBytes - 1)}`,
    'docker-upload-uuid': session.id,
  };
}
