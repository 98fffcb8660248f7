/** A chart that an image is carried for. */
export interface ChartUse {
  readonly name: string;
  readonly version: string;
  /** URL of its repository, without credentials and final slash; left out for a local chart. */
  readonly repository?: string | undefined;
}

/** Why an image of a chart is in: `chart NAME VERSION`, and ` from URL` for one of a repository. */
export function chartReason({ name, version }: Pick<ChartUse, 'name' | 'version'>, repository?: string): string {
  return `chart ${name} ${version}${repository === undefined ? '' : ` from ${bareRepository(repository)}`}`;
}

/** Reads what `chartReason` wrote; undefined for any other reason. */
export function parseChartReason(reason: string): ChartUse | undefined {
  const [, name, version, repository] = /^chart (\S+) (\S+)(?: from (\S+))?$/.exec(reason) ?? [];
  return name === undefined || version === undefined ? undefined : { name, version, repository };
}

/** Whether two URLs mean one repository. As to oc-mirror, the scheme does not tell (oc-mirror-v2.md §8.3: an index lies by host and path). */
export function isSameRepository(one: string, other: string): boolean {
  const place = (url: string): string => bareRepository(url).replace(/^https?:\/\//, '');
  return place(one) === place(other);
}

function bareRepository(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return url.href.replace(/\/?(?:index\.yaml)?$/, '');
}
