import type * as z from 'zod';
import { type JsonSchema, siteJsonSchema } from './site-json-schema.ts';

/** A file that decodes, made from one that does not. */
export interface Repaired {
  readonly plain: unknown;
  /** Texts that stand for what was put in; a fault that names one is about nothing that the user wrote. */
  readonly stands: readonly string[];
}

type Issue = z.core.$ZodIssue;
type Holder = Record<PropertyKey, unknown>;

/**
 * Takes away or replaces what the schema refused, so that the rules between values can be asked about all the rest and every fault comes at
 * once. Changes `plain`. The result may still not decode, where a fault hid another one.
 */
export function repairSite(plain: unknown, issues: readonly Issue[]): Repaired {
  const stand = new StandIns();
  const schema = siteJsonSchema();
  for (const issue of issues) {
    const holder = valueAt(plain, issue.code === 'unrecognized_keys' ? issue.path : issue.path.slice(0, -1));
    if (holder === null || typeof holder !== 'object') continue;
    const key = issue.path.at(-1);
    if (issue.code === 'unrecognized_keys') for (const one of issue.keys) Reflect.deleteProperty(holder, one);
    else if (issue.code === 'invalid_key' && key !== undefined) Reflect.deleteProperty(holder, key);
    else if (key !== undefined) {
      const value = (holder as Holder)[key];
      (holder as Holder)[key] = stand.make(schemaAt(schema, issue.path), value);
    }
  }
  return { plain, stands: stand.texts };
}

function valueAt(plain: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, step) => (at !== null && typeof at === 'object' ? (at as Holder)[step] : undefined),
    plain,
  );
}

function schemaAt(root: JsonSchema, path: readonly PropertyKey[]): JsonSchema {
  return path.reduce<JsonSchema>((schema, step) => {
    if (typeof step === 'number') return schema.items ?? {};
    const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {};
    return schema.properties?.[String(step)] ?? more;
  }, root);
}

/** Makes values that fit a schema, each of its kind different from the others and from anything that a site has. */
class StandIns {
  readonly texts: string[] = [];
  #count = 0;

  /** A value for `schema`; `instead` is what stood there, which may tell the family. */
  make(schema: JsonSchema, instead: unknown): unknown {
    if (schema.const !== undefined) return schema.const;
    if (Array.isArray(instead) && schema.maxItems !== undefined && instead.length > schema.maxItems)
      return instead.slice(0, schema.maxItems);
    if (schema.title !== undefined && schema.default === undefined)
      return this.#titled(schema.title, String(instead).includes(':'));
    if (schema.default !== undefined) return structuredClone(schema.default);
    if (schema.enum) return schema.enum[0];
    if (schema.anyOf?.[0]) return this.make(schema.anyOf[0], instead);
    if (schema.items) return [this.make(schema.items, instead)];
    if (schema.properties || schema.type === 'object') return this.#object(schema);
    if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 0;
    return schema.type === 'boolean' ? false : this.#remember(`stand-in-${this.#next()}`);
  }

  #object(schema: JsonSchema): unknown {
    const names = schema.required ?? [];
    return Object.fromEntries(names.map((name) => [name, this.make(schema.properties?.[name] ?? {}, undefined)]));
  }

  #titled(title: string, isIpv6: boolean): unknown {
    const number = this.#next();
    const hex = number.toString(16);
    const address = isIpv6 ? `100::${hex}` : `192.0.0.${number % 256}`;
    if (title === 'port') return Number(this.#remember(String(61_000 + number)));
    const made: Readonly<Record<string, string>> = {
      address,
      'name or address': address,
      prefix: `${address}/${isIpv6 ? 128 : 32}`,
      'MAC address': `02:00:5e:00:53:${hex.padStart(2, '0').slice(-2)}`,
      'release version': `0.0.${61_000 + number}`,
      version: `0.${61_000 + number}`,
      'amount of storage': '1Gi',
      duration: '0s',
      'port range': '30000-32767',
      URL: `http://stand-in-${number}.invalid/`,
    };
    return this.#remember(made[title] ?? `stand-in-${number}`);
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }

  #remember(text: string): string {
    // What is ordinary text is not searched for in messages.
    if (!['1Gi', '0s', '30000-32767'].includes(text)) this.texts.push(text.split('/')[0] ?? text);
    return text;
  }
}
