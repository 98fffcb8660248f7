import { AirlockError } from '../core/errors.ts';
import { splitHostPort } from '../core/ip.ts';
import { type Digest, parseDigest } from './digest.ts';

/**
 * A whole image address. `registry` is `host[:port]` (IPv6 literals in brackets), `repository` the path in it. At least one of tag and
 * digest is there unless the text named a repository only.
 */
export interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

// reference  := registry "/" repository [ ":" tag ] [ "@" digest ]          (distribution reference grammar)
// registry   := ( host | "[" IPv6 "]" ) [ ":" port ]; must hold "." or ":" or be "localhost", else the text is a short name
// repository := component { "/" component };  component := [a-z0-9]+ { ( "." | "_" | "__" | "-"+ ) [a-z0-9]+ }
// tag        := [A-Za-z0-9_][A-Za-z0-9._-]{0,127}
const component = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*$/;
const tagForm = /^\w[\w.-]{0,127}$/;
const hostForm = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?)*$/;

export function isTag(text: string): boolean {
  return tagForm.test(text);
}

/** Whether text is a repository path (no host): at most 255 characters of components. */
export function isRepository(text: string): boolean {
  return text.length > 0 && text.length <= 255 && text.split('/').every((part) => component.test(part));
}

/** Whether text is `host`, `host:port`, `[v6]` or `[v6]:port`. */
export function isRegistry(text: string): boolean {
  try {
    const { host } = splitHostPort(text);
    return host.includes(':') || hostForm.test(host);
  } catch {
    return false;
  }
}

/**
 * Parses a fully qualified reference; a leading `docker://` is taken away. No Docker Hub names and no default tag are put in.
 * @throws AirlockError REFERENCE_INVALID, REFERENCE_SHORT, DIGEST_INVALID
 */
export function parseReference(text: string): Reference {
  const whole = text.replace(/^docker:\/\//, '');
  const fail = (why: string): never => {
    throw new AirlockError('REFERENCE_INVALID', `"${text}" is not an image reference: ${why}`);
  };
  const [beforeDigest = '', digestText, ...more] = whole.split('@');
  if (more.length > 0) fail('more than one "@"');
  const slash = beforeDigest.indexOf('/');
  const registry = beforeDigest.slice(0, Math.max(slash, 0));
  if (slash < 0 || !(/[.:]/.test(registry) || registry === 'localhost')) {
    throw new AirlockError('REFERENCE_SHORT', `"${text}" names no registry`, {
      hint: 'write the whole reference, for example quay.io/namespace/name:tag',
    });
  }
  if (!isRegistry(registry)) fail(`"${registry}" is not a registry host`);
  const rest = beforeDigest.slice(slash + 1);
  const colon = rest.indexOf(':');
  const repository = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (!isRepository(repository))
    fail(`"${repository}" is not a repository path (lower-case letters, digits and . _ - between them)`);
  if (tag !== undefined && !isTag(tag)) fail(`"${tag}" is not a tag`);
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digestText === undefined ? {} : { digest: parseDigest(digestText) }),
  };
}

/**
 * What container tools read a name without registry as: one of Docker Hub, `library/` for those of one element, tag `latest` where neither tag nor
 * digest is there. Undefined for a name with a registry. @throws AirlockError REFERENCE_INVALID, DIGEST_INVALID
 */
export function expandShortName(text: string): Reference | undefined {
  const whole = text.replace(/^docker:\/\//, '');
  const [first = ''] = whole.split('/');
  const isOfLibrary = !whole.replace(/@.*/, '').includes('/');
  if (!isOfLibrary && (/[.:]/.test(first) || first === 'localhost')) return undefined;
  const reference = parseReference(`docker.io/${isOfLibrary ? 'library/' : ''}${whole}`);
  return reference.tag || reference.digest ? reference : { ...reference, tag: 'latest' };
}

/** The reference as text, with whatever of tag and digest it has. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}
