import { AirlockError } from '../../core/errors.ts';

/** Where oc-mirror looks for images in every rendered document; `imagePaths` of a chart add to them (reference §8.3). */
export const standardImagePaths: readonly string[] = [
  '{.spec.template.spec.initContainers[*].image}',
  '{.spec.template.spec.containers[*].image}',
  '{.spec.initContainers[*].image}',
  '{.spec.containers[*].image}',
];

type Step =
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  | { readonly kind: 'indexes'; readonly indexes: readonly number[] }
  | { readonly kind: 'slice'; readonly from: number | undefined; readonly to: number | undefined }
  | { readonly kind: 'all' }
  /** The value and everything inside it, at any depth. */
  | { readonly kind: 'descend' }
  | { readonly kind: 'where'; readonly path: readonly Step[]; readonly operator: string; readonly operand: string };

/**
 * Values of a rendered document at the given paths: those that name an image with tag or digest. Others are left out, as oc-mirror does.
 * @throws AirlockError HELM_PATH_INVALID
 */
export function findImages(document: unknown, paths: readonly string[]): string[] {
  return paths
    .flatMap((path) => parseTemplate(path).flatMap((steps) => evaluate(document, steps)))
    .flatMap((value) => (typeof value === 'string' ? value.split(/\s+/) : []))
    .filter((image) => isPinned(image));
}

/** Whether an image name has a tag or digest. */
export function isPinned(image: string): boolean {
  const name = image.slice(image.indexOf('/') + 1);
  return /^[^\s{}]+$/.test(image) && (name.includes('@') || name.includes(':'));
}

// The part of kubectl's JSONPath that images need:
//   template := { "{" path "}" } | path          path := [ "$" | "@" ] { step }
//   step := "." key | ".*" | ".." | "[" ( "*" | index { "," index } | quoted { "," quoted } | [ from ] ":" [ to ] | "?(" test ")" ) "]"
//   test := "@" path [ ( "==" | "!=" ) ( quoted | word ) ]          key: what holds no . [ ] ( ) { } | or space, or has a \ before it
const keyForm = String.raw`(?:\\.|[^\s.[\](){}|\\])+`;
const quotedForm = `(?:'[^']*'|"[^"]*")`;
const stepForm = new RegExp(
  [
    String.raw`(?<descend>\.\.(?=[^.]))`,
    String.raw`\.?(?<star>\*)`,
    String.raw`\.?(?<key>${keyForm})`,
    String.raw`\.(?=\[)`,
    String.raw`\[\s*(?:(?<all>\*)|(?<slice>-?\d*:-?\d*)|(?<indexes>-?\d+(?:\s*,\s*-?\d+)*)|(?<quoted>${quotedForm}(?:\s*,\s*${quotedForm})*)|\?\(\s*@(?<path>[^=!<>()]*?)\s*(?:(?<operator>==|!=)\s*(?<operand>${quotedForm}|[^\s()]+)\s*)?\))\s*\]`,
  ].join('|'),
  'y',
);

function parseTemplate(text: string): Step[][] {
  const blocks = [...text.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? '');
  return (blocks.length > 0 ? blocks : [text]).map((block) => parsePath(block, text));
}

function parsePath(path: string, whole: string): Step[] {
  const text = path.trim().replace(/^[$@]/, '');
  const steps: Step[] = [];
  const form = new RegExp(stepForm);
  while (form.lastIndex < text.length) {
    const groups = form.exec(text)?.groups;
    if (!groups)
      throw new AirlockError(
        'HELM_PATH_INVALID',
        `"${whole}" is no path to images; write for example {.spec.containers[*].image}`,
      );
    const step = toStep(groups, whole);
    if (step) steps.push(step);
  }
  return steps;
}

function toStep(groups: Readonly<Record<string, string | undefined>>, whole: string): Step | undefined {
  const { descend, star, all, key, quoted, indexes, slice, path, operator = '', operand = '' } = groups;
  if (descend !== undefined) return { kind: 'descend' };
  if (star !== undefined || all !== undefined) return { kind: 'all' };
  if (key !== undefined) return { kind: 'keys', keys: [key.replace(/\\(.)/g, '$1')] };
  if (quoted !== undefined)
    return { kind: 'keys', keys: (quoted.match(/'[^']*'|"[^"]*"/g) ?? []).map((one) => one.slice(1, -1)) };
  if (indexes !== undefined) return { kind: 'indexes', indexes: indexes.split(',').map(Number) };
  if (slice !== undefined) {
    const [from, to] = slice.split(':').map((end) => (end === '' ? undefined : Number(end)));
    return { kind: 'slice', from, to };
  }
  if (path === undefined) return undefined;
  return { kind: 'where', path: parsePath(path, whole), operator, operand: operand.replace(/^(['"])(.*)\1$/, '$2') };
}

function evaluate(value: unknown, steps: readonly Step[]): unknown[] {
  return steps.reduce<unknown[]>((values, step) => values.flatMap((one) => take(one, step)), [value]);
}

function take(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  switch (step.kind) {
    case 'all':
      return Object.values(value);
    case 'descend':
      return [value, ...Object.values(value).flatMap((inner) => take(inner, step))];
    case 'slice':
      return items.slice(step.from, step.to);
    case 'indexes':
      return step.indexes.flatMap((index) => items.slice(index, index === -1 ? undefined : index + 1));
    case 'where':
      return items.filter((item) => fits(evaluate(item, step.path)[0], step));
    case 'keys':
      return step.keys.flatMap((key) => (Object.hasOwn(value, key) ? [Reflect.get(value, key)] : []));
  }
}

function fits(found: unknown, { operator, operand }: { readonly operator: string; readonly operand: string }): boolean {
  if (operator === '') return found !== undefined;
  return (String(found) === operand) === (operator === '==');
}
