/**
 * The path that a request target asks for, decoded, or undefined when it is malformed or tries to leave the tree. Target forms are those
 * of RFC 9112 §3.2: `/path?query` and `http://host/path`. Empty segments are dropped (clients join URLs carelessly); `.`, `..`, NUL,
 * backslash, encoded slashes, control characters and invalid UTF-8 are refused, however they are encoded. A folder ends in `/`.
 */
export function parseRequestPath(target: string): string | undefined {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '') || '/';
  if (!path.startsWith('/')) return undefined;
  const segments: string[] = [];
  for (const encoded of path.split('/')) {
    if (encoded === '') continue;
    const segment = decode(encoded);
    if (segment === undefined || segment === '.' || segment === '..' || /[\u0000-\u001f\u007f/\\]/.test(segment))
      return undefined;
    segments.push(segment);
  }
  const slash = path.endsWith('/') && segments.length > 0 ? '/' : '';
  return `/${segments.join('/')}${slash}`;
}

/** A path as it stands in a link or a Location header. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
