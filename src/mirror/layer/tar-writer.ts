const block = 512;

/** A member to be written. `path` without leading or final slash. */
export interface TarEntry {
  readonly path: string;
  readonly kind: 'file' | 'folder';
  readonly sizeBytes: number;
  readonly mode: number;
}

/**
 * The header blocks of a member: USTAR, owner 0:0, mtime 0, so that the same content gives the same layer; a PAX record carries a path that
 * USTAR cannot hold. Nothing else is put in: real oc-mirror's `ctime` record makes every rebuild a new digest (reference §7.7).
 */
export function tarHeader(entry: TarEntry): Buffer {
  if (Buffer.byteLength(entry.path) <= 100) return ustarHeader(entry.path, entry, entry.kind === 'folder' ? '5' : '0');
  const record = paxRecord('path', entry.path);
  const own = { ...entry, sizeBytes: record.length, mode: 0o644 };
  return Buffer.concat([
    ustarHeader('PaxHeaders/path', own, 'x'),
    record,
    tarPadding(record.length),
    ustarHeader(
      Buffer.from(entry.path).subarray(0, 100).toString('latin1'),
      entry,
      entry.kind === 'folder' ? '5' : '0',
    ),
  ]);
}

/** Zeros that fill the last block of a member. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((block - (sizeBytes % block)) % block);
}

/** The two zero blocks at the end of an archive. */
export const tarEnd = Buffer.alloc(2 * block);

function ustarHeader(name: string, entry: Pick<TarEntry, 'sizeBytes' | 'mode'>, type: string): Buffer {
  const header = Buffer.alloc(block);
  header.write(name, 0, 100, 'utf8');
  const octal = (value: number, at: number, length: number): void => {
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, length, 'latin1');
  };
  octal(entry.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(entry.sizeBytes, 124, 12);
  octal(0, 136, 12);
  header.write('        ', 148, 8, 'latin1');
  header.write(type, 156, 1, 'latin1');
  header.write('ustar\x0000', 257, 8, 'latin1');
  octal(0, 329, 8);
  octal(0, 337, 8);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return header;
}

/** `<length> <key>=<value>\n`, where length counts itself. */
function paxRecord(key: string, value: string): Buffer {
  const body = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(body);
  while (`${length}`.length + Buffer.byteLength(body) !== length) length = `${length}`.length + Buffer.byteLength(body);
  return Buffer.from(`${length}${body}`);
}
