import { AirlockError } from '../../core/errors.ts';

/** Members of a release payload that Airlock reads. */
export const payloadFiles = {
  references: 'release-manifests/image-references',
  metadata: 'release-manifests/release-metadata',
  bootImages: 'release-manifests/0000_50_installer_coreos-bootimages.yaml',
} as const;

/** What a payload is made of. */
export interface PayloadContent {
  /** Component name and image reference, in the payload's order. */
  readonly components: readonly { readonly name: string; readonly reference: string }[];
  /** '' when the payload does not say. */
  readonly version: string;
  /** `multi` or ''. */
  readonly architecture: string;
}

/**
 * Decodes `image-references` (an ImageStream) and `release-metadata`.
 * @throws AirlockError RELEASE_PAYLOAD_INVALID
 */
export function parsePayload(origin: string, files: ReadonlyMap<string, Buffer>): PayloadContent {
  const fail = (why: string): never => {
    throw new AirlockError('RELEASE_PAYLOAD_INVALID', `${origin} is not a release payload: ${why}`);
  };
  const bytes = files.get(payloadFiles.references);
  if (!bytes) return fail(`it has no ${payloadFiles.references}`);
  const stream = parseJson(bytes) ?? fail(`${payloadFiles.references} is no JSON`);
  const tags = at(stream, 'spec', 'tags');
  if (!Array.isArray(tags)) return fail(`${payloadFiles.references} lists no components`);
  const components = tags.map((tag: unknown) => {
    const [name, reference] = [at(tag, 'name'), at(tag, 'from', 'name')];
    if (typeof name !== 'string' || typeof reference !== 'string' || !name || !reference)
      return fail(`a component of ${payloadFiles.references} has no name or image`);
    // It becomes part of a tag.
    if (!/^\w[\w.-]*$/.test(name)) return fail(`"${name}" cannot be the name of a component`);
    return { name, reference };
  });
  if (components.length === 0) fail(`${payloadFiles.references} lists no components`);
  const metadata = parseJson(files.get(payloadFiles.metadata) ?? Buffer.alloc(0));
  const version = at(metadata, 'version') ?? at(stream, 'metadata', 'name');
  const architecture = at(metadata, 'metadata', 'release.openshift.io/architecture');
  return {
    components,
    version: typeof version === 'string' ? version : '',
    architecture: typeof architecture === 'string' ? architecture : '',
  };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}
