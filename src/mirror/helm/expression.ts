/** Looks up a path such as `.Values.image.tag`, `.Chart.AppVersion`; undefined for one that is not known, '' for an empty value. */
export type LookUp = (path: string) => string | undefined;

/** The text of a named template; undefined where there is none. */
export type Include = (name: string) => string | undefined;

type Call = (args: readonly string[]) => string | undefined;

/** Functions of Go's templates and of Sprig that make image names. The value that is piped in comes last. */
const functions: Readonly<Record<string, Call>> = {
  default: ([fallback = '', value = '']) => value || fallback,
  coalesce: (values) => values.find((value) => value !== '') ?? '',
  printf: ([format = '', ...values]) => {
    const left = [...values];
    return format.replace(/%[svdq]/g, (verb) => (verb === '%q' ? `"${left.shift() ?? ''}"` : (left.shift() ?? '')));
  },
  print: (values) => values.join(''),
  required: ([, value = '']) => value,
  tpl: ([value = '']) => (value.includes('{{') ? undefined : value),
  ternary: ([yes = '', no = '', test = '']) => (test === 'true' ? yes : no),
  trimPrefix: ([prefix = '', value = '']) => (value.startsWith(prefix) ? value.slice(prefix.length) : value),
  trimSuffix: ([suffix = '', value = '']) =>
    value.endsWith(suffix) ? value.slice(0, -suffix.length || undefined) : value,
  lower: ([value = '']) => value.toLowerCase(),
  trim: ([value = '']) => value.trim(),
  ...Object.fromEntries(
    ['quote', 'squote', 'toString', 'int', 'int64'].map((name): [string, Call] => [name, ([value = '']) => value]),
  ),
};

// pipeline := command { "|" command }       command := term | function { term }       term := string | number | path | "." | "(" pipeline ")"
const tokenForm = /\s*(?:("(?:[^"\\]|\\.)*"|`[^`]*`|'[^']*')|(\$?\.[\w.-]*|\$)|([A-Za-z]\w*|-?\d[\w.]*)|([()|]))/y;

/**
 * The value of an expression of a template that is more than a look-up only by the functions above; undefined for any other, such as one with
 * variables. @see Go text/template, "Pipelines"; Sprig
 */
export function evaluateExpression(text: string, lookUp: LookUp, include: Include): string | undefined {
  const tokens = readTokens(text);
  if (!tokens) return undefined;
  let at = 0;
  const term = (): string | undefined => {
    const token = tokens[at++] ?? '';
    if (token === '(') {
      const value = pipeline();
      return tokens[at++] === ')' ? value : undefined;
    }
    if (/^["'`]/.test(token)) return token.slice(1, -1).replace(/\\(.)/g, '$1');
    if (token === '.' || token === '$') return '';
    return /^[$.]/.test(token) ? lookUp(token.replace(/^\$/, '')) : token;
  };
  const command = (piped: readonly string[]): string | undefined => {
    const name = tokens[at] ?? '';
    const call = name === 'include' ? ([template = '']: readonly string[]) => include(template) : functions[name];
    if (!call) return piped.length > 0 ? undefined : term();
    at += 1;
    const args: string[] = [];
    while (at < tokens.length && tokens[at] !== '|' && tokens[at] !== ')') {
      const value = term();
      if (value === undefined) return undefined;
      args.push(value);
    }
    return call([...args, ...piped]);
  };
  const pipeline = (): string | undefined => {
    let value = command([]);
    while (value !== undefined && tokens[at] === '|') {
      at += 1;
      value = command([value]);
    }
    return value;
  };
  const value = pipeline();
  return at === tokens.length ? value : undefined;
}

function readTokens(text: string): string[] | undefined {
  const tokens: string[] = [];
  const form = new RegExp(tokenForm);
  const trimmed = text.trim();
  while (form.lastIndex < trimmed.length) {
    const match = form.exec(trimmed);
    if (!match) return undefined;
    tokens.push(match[0].trim());
  }
  return tokens.length > 0 ? tokens : undefined;
}
