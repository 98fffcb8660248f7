/**
 * Text without what grants access: credentials in URLs, values of words such as password and token, `auth` entries of auth files, HTTP
 * authorization, and private keys. For what is handed to others: it takes rather too much away than too little.
 */
export function redactText(text: string): string {
  return text
    .replace(/-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g, '-----$1 left out-----')
    .replace(/(:\/\/)[^\s/@"']+@/g, `$1${hidden}@`)
    .replace(/\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~-]{8,}/g, `$1 ${hidden}`)
    .replace(/\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}/g, hidden)
    .replace(secretField, `$1${hidden}`);
}

const hidden = '<left out>';

/** `password: x`, `"auth": "x"`, `token=x`. Names of files that hold secrets (`passwordFile: …`) are no secrets. */
const secretField =
  /((?:^|[^A-Za-z])["']?(?:password|passwd|passphrase|secret|token|auth|identitytoken|registrytoken)["']?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,}\]{["'][^\s,}\]]*)/gim;
