const types: Readonly<Record<string, string>> = {
  iso: 'application/vnd.efi.iso',
  img: 'application/octet-stream',
  txt: 'text/plain; charset=utf-8',
  log: 'text/plain; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  ign: 'application/json',
  tar: 'application/x-tar',
  gz: 'application/gzip',
  xz: 'application/x-xz',
  zst: 'application/zstd',
  zip: 'application/zip',
  crt: 'application/x-x509-ca-cert',
  pem: 'application/x-pem-file',
  sig: 'application/octet-stream',
};

/** The media type of a file by its last extension; `application/octet-stream` for all others, so that nothing is run by a browser. */
export function contentTypeOf(path: string): string {
  const extension = /\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
  return types[extension] ?? 'application/octet-stream';
}
