/** One challenge of a WWW-Authenticate header. `scheme` in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly params: Readonly<Record<string, string>>;
}

// challenge := scheme SP param *( "," param );  challenges may follow each other in one header
// param     := token "=" ( token | quoted-string )                                              (RFC 9110 §11.6.1)
const piece = /\s*,?\s*([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/y;

/** Reads a WWW-Authenticate header, several challenges included; what cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; params: Record<string, string> }[] = [];
  piece.lastIndex = 0;
  // Header sizes are bounded by the HTTP parser.
  while (piece.lastIndex < header.length) {
    const match = piece.exec(header);
    if (!match?.[1]) break;
    const value = match[2]?.replace(/\\(.)/g, '$1') ?? match[3];
    const current = challenges.at(-1);
    if (value === undefined) challenges.push({ scheme: match[1].toLowerCase(), params: {} });
    else if (current) current.params[match[1].toLowerCase()] = value;
    else break;
  }
  return challenges;
}
