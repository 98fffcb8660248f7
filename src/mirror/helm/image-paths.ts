import { AirlockError } from '../../core/errors.ts';

/** Where oc-mirror looks for images in every rendered document; `imagePaths` of a chart add to them (reference §8.3). */
export const standardImagePaths: readonly string[] = [
  '{.spec.template.spec.initContainers[*].image}',
  '{.spec.template.spec.containers[*].image}',
  '{.spec.initContainers[*].image}',
  '{.spec.containers[*].image}',
];

type Step = { readonly key: string } | { readonly index: number } | { readonly all: true };

/**
 * Values of a rendered document at the given paths: those that name an image with tag or digest. Others are left out, as oc-mirror does.
 * @throws AirlockError HELM_PATH_INVALID
 */
export function findImages(document: unknown, paths: readonly string[]): string[] {
  return paths
    .flatMap((path) => evaluate(document, parsePath(path)))
    .flatMap((value) => (typeof value === 'string' ? value.split(/\s+/) : []))
    .filter((image) => isPinned(image));
}

/** Whether an image name has a tag or digest. */
export function isPinned(image: string): boolean {
  const name = image.slice(image.indexOf('/') + 1);
  return /^[^\s{}]+$/.test(image) && (name.includes('@') || name.includes(':'));
}

// path := [ "{" ] { "." key | "[" ( "*" | number | quoted key ) "]" | ".*" } [ "}" ]      (the part of kubectl's JSONPath that images need)
function parsePath(path: string): Step[] {
  const text = path
    .trim()
    .replace(/^\{|\}$/g, '')
    .replace(/^\$/, '');
  const steps: Step[] = [];
  const form = /\.\*|\.([\w-]+)|\[(?:(\*)|(\d+)|'([^']+)'|"([^"]+)")\]/y;
  while (form.lastIndex < text.length) {
    const match = form.exec(text);
    if (!match)
      throw new AirlockError(
        'HELM_PATH_INVALID',
        `"${path}" is no path to images; write for example {.spec.containers[*].image}`,
      );
    const key = match[1] ?? match[4] ?? match[5];
    if (key !== undefined) steps.push({ key });
    else if (match[3] !== undefined) steps.push({ index: Number(match[3]) });
    else steps.push({ all: true });
  }
  return steps;
}

function evaluate(value: unknown, steps: readonly Step[]): unknown[] {
  return steps.reduce<unknown[]>((values, step) => values.flatMap((one) => take(one, step)), [value]);
}

function take(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('all' in step) return Object.values(value);
  const found: unknown = Reflect.get(value, 'key' in step ? step.key : step.index);
  return found === undefined ? [] : [found];
}
