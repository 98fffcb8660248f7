/** The head of an answer whose body is exactly `bodyBytes` long. */
export interface PlainHead {
  readonly status: number;
  /** Names in lower case; values of repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
  /** Whether the connection can carry another request afterwards. */
  readonly keepAlive: boolean;
}

const statusLine = /^HTTP\/1\.1 ([2-5][0-9]{2})(?: [^\r\n]*)?$/;
const headerLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;

/**
 * Reads a head (without its last empty line) of the only kind that direct connections take: HTTP/1.1, a status of its own, one Content-Length,
 * no transfer coding. Undefined for all else, which is no fault: a whole HTTP client is asked then.
 * @see RFC 9112 §6.3
 */
export function parsePlainHead(text: string): PlainHead | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const status = Number(statusLine.exec(first)?.[1] ?? 0);
  if (status === 0 || status === 204 || status === 304) return undefined;
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const match = headerLine.exec(line);
    if (!match?.[1]) return undefined;
    const name = match[1].toLowerCase();
    const value = match[2] ?? '';
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  const length = headers['content-length'];
  if (length === undefined || !/^[0-9]{1,15}$/.test(length) || headers['transfer-encoding'] !== undefined)
    return undefined;
  const keepAlive = !/\bclose\b/i.test(headers['connection'] ?? '');
  return { status, headers, bodyBytes: Number(length), keepAlive };
}
