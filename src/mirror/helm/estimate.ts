import { type Chart, readYaml, subCharts } from './chart.ts';
import { evaluateExpression } from './expression.ts';
import { isPinned } from './image-paths.ts';

/** What only `helm test` runs; rendering leaves it out too. */
const includeDepth = 4;
const testHook = /helm\.sh\/hook["']?:\s*["']?test/;

type Values = Readonly<Record<string, unknown>>;

/**
 * The images of a chart without rendering it: `image:` lines of its templates whose expressions are made of default values (`.Values.a.b`,
 * `.Chart.AppVersion`), of plain named templates, and of the functions that make image names (`default`, `printf`, …), and `image:` values of values.yaml in the usual forms (a reference, or
 * registry, repository, tag and digest). Conditions are taken as true, so that it is rather too much than too little.
 */
export function estimateImages(chart: Chart, overrides: Values = {}): string[] {
  const values = merge(readYaml(chart.files.get('values.yaml') ?? ''), overrides);
  const templates = [...chart.files].filter(
    ([name, text]) => /^templates\/.*\.(?:ya?ml|tpl)$/.test(name) && !testHook.test(text),
  );
  const images = [
    ...templates.flatMap(([, text]) => imagesOfTemplate(text, chart, values)),
    ...imagesOfValues(values, chart),
    ...subCharts(chart).flatMap((sub) => subChartImages(chart, sub, values)),
  ];
  return [...new Set(images.filter(isPinned))].sort();
}

/** A sub-chart once for each time that the chart needs it and its values do not switch it off, with the values that it gets there. */
function subChartImages(chart: Chart, sub: Chart, values: Values): string[] {
  const listed = chart.dependencies.filter((one) => one.name === sub.name);
  const uses = listed.length > 0 ? listed : [{ alias: sub.name, condition: '' }];
  return uses
    .filter(({ condition }) => isSwitchedOn(condition, values))
    .flatMap(({ alias }) => {
      const own = record(values[alias]);
      return estimateImages(sub, { ...own, global: merge(record(own['global']), record(values['global'])) });
    });
}

function isSwitchedOn(condition: string, values: Values): boolean {
  const switches = condition.split(',').map((path) => valueAt(values, path.trim()));
  return switches.find((one): one is boolean => typeof one === 'boolean') ?? true;
}

function valueAt(values: Values, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => record(value)[key], values);
}

function imagesOfTemplate(text: string, chart: Chart, values: Values): string[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(?:-\s+)?image:\s*(\S.*?)\s*$/.exec(line);
    const image = match && evaluate(match[1] ?? '', chart, values);
    return image ? [image.replace(/^["']|["']$/g, '')] : [];
  });
}

/** Template text with its expressions put in; undefined when one is more than its values and the functions that are known. */
function evaluate(text: string, chart: Chart, values: Values, depth = 0): string | undefined {
  const lookUp = (path: string): string | undefined => {
    if (path === '.Chart.AppVersion') return chart.appVersion;
    if (path === '.Chart.Version') return chart.version;
    if (path === '.Chart.Name') return chart.name;
    if (!path.startsWith('.Values.')) return undefined;
    const found = valueAt(values, path.slice('.Values.'.length));
    return typeof found === 'object' || found === undefined ? '' : String(found);
  };
  const include = (name: string): string | undefined => {
    const body = depth < includeDepth ? findTemplate(chart, name) : undefined;
    return body === undefined ? undefined : evaluate(body, chart, values, depth + 1);
  };
  let isKnown = true;
  const result = text
    .replace(/\s*\{\{-\s|\s-\}\}\s*/g, (mark) => (mark.includes('{') ? '{{ ' : ' }}'))
    .replace(/\{\{(.*?)\}\}/gs, (_, expression: string) => {
      if (/^\s*\/\*/.test(expression)) return '';
      const value = evaluateExpression(expression, lookUp, include);
      if (value === undefined) isKnown = false;
      return value ?? '';
    });
  return isKnown ? result : undefined;
}

/** The body of `define "name"`, where no other block is in it. */
function findTemplate(chart: Chart, name: string): string | undefined {
  const quoted = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const form = new RegExp(`\\{\\{-?\\s*define\\s+"${quoted}"\\s*(-?)\\}\\}(.*?)\\{\\{(-?)\\s*end\\s*-?\\}\\}`, 's');
  for (const [file, text] of chart.files) {
    const match = file.startsWith('templates/') ? form.exec(text) : null;
    if (match) return match[2]?.trim();
  }
  return undefined;
}

/** `image:` anywhere in the values, as a reference or in parts. */
function imagesOfValues(value: unknown, chart: Chart, key = ''): string[] {
  if (key.toLowerCase().endsWith('image')) {
    if (typeof value === 'string') return [value];
    const image = joinImage(record(value), chart);
    if (image) return [image];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => imagesOfValues(inner, chart, name));
}

function joinImage(parts: Values, chart: Chart): string | undefined {
  const at = (key: string): string => {
    const value = parts[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const repository = at('repository') || at('name');
  if (!repository) return undefined;
  const name = at('registry') ? `${at('registry')}/${repository}` : repository;
  if (at('digest')) return `${name}@${at('digest')}`;
  const tag = at('tag') || chart.appVersion;
  return tag ? `${name}:${tag}` : undefined;
}

function merge(base: Values, over: Values): Values {
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries(
    [...keys].map((key) => {
      const [low, high] = [base[key], over[key]];
      if (high === undefined) return [key, low];
      const isBoth = Object.keys(record(low)).length > 0 && Object.keys(record(high)).length > 0;
      return [key, isBoth ? merge(record(low), record(high)) : high];
    }),
  );
}

function record(value: unknown): Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : {};
}
