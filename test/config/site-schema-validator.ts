import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { parseYaml } from '../../src/core/yaml.ts';

const schemaFile = path.resolve(import.meta.dirname, '../../schema/site.schema.json');

/** What an editor would underline: errors of the shipped JSON Schema for a site's text. */
export function validateSite(text: string): string[] {
  const validate = new Ajv({ allErrors: true, strict: false }).compile(JSON.parse(readFileSync(schemaFile, 'utf8')));
  validate(parseYaml(text));
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}
