import { isAirlockError } from '../../core/errors.ts';
import type { HttpResponse } from '../../core/http.ts';
import { discardBody } from '../../core/http-body.ts';
import type { Run } from '../../core/run.ts';
import type { Descriptor } from '../descriptor.ts';
import { pushScopes } from './blobs.ts';
import type { Place } from './sessions.ts';
import { cancelUpload, uploadCall } from './upload-session.ts';

/** Mounts a blob of another repository; false when the registry would rather have it uploaded. @see distribution-spec "Mounting a blob" */
export async function mountBlob(place: Place, blob: Descriptor, from: string, run: Run): Promise<boolean> {
  const query = new URLSearchParams({ mount: blob.digest, from });
  let response: HttpResponse;
  try {
    response = await place.session.request(
      {
        ...uploadCall(place, blob),
        method: 'POST',
        path: `/v2/${place.repository}/blobs/uploads/?${query}`,
        scopes: [...pushScopes(place), `repository:${from}:pull`],
        headers: { 'content-length': '0' },
        expect: [201, 202, 400, 403, 404, 405],
      },
      run,
    );
  } catch (error) {
    // A token server may refuse the whole token when one of two repositories is not ours.
    if (isAirlockError(error, 'REGISTRY_UNAUTHORIZED')) return false;
    throw error;
  }
  discardBody(response.body);
  if (response.status === 202) await cancelUpload(place, blob, response, run);
  return response.status === 201;
}
