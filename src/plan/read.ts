import { z } from 'zod';
import { AirlockError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { prettyJson } from '../core/json.ts';
import type { Run } from '../core/run.ts';
import { type Digest, isDigest, isRepository, isTag } from '../oci/index.ts';
import { imageTypes } from './facts.ts';
import type { Plan } from './plan.ts';

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a digest');
const size = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const repository = z.string().refine(isRepository, 'not a repository path');
const tag = z.string().refine(isTag, 'not a tag');
// A member's name must stay below its root and out of the trees that oc-mirror matches as substrings (design §4).
const memberPath = z.string().max(4096).refine(isMemberPath, 'not a member path');
const webPath = z
  .string()
  .refine((text) => text.startsWith('/') && isMemberPath(text.slice(1)), 'not a path below the web root');

const blob = z.strictObject({
  digest,
  size,
  mediaType: z.string(),
  kind: z.enum(['manifest', 'config', 'layer']),
  sources: z.array(z.string()),
  kept: z.boolean(),
  origin: z.string(),
});
const file = z.strictObject({
  path: memberPath,
  sizeBytes: size,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  mode: z.number().int().min(0).max(0o777),
  role: z.enum(['coreos', 'tool', 'config', 'registry-image', 'working-dir']),
  content: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('url'), url: z.url() }),
    z.strictObject({ kind: z.literal('inline'), base64: z.string() }),
    z.strictObject({ kind: z.literal('kept') }),
  ]),
  origin: z.string(),
  webPath: webPath.optional(),
});
const image = z.strictObject({
  type: z.enum(imageTypes),
  origin: z.string(),
  source: z.string(),
  repository,
  tag,
  targets: z.array(z.strictObject({ repository, tag })),
  digest,
  mediaType: z.string(),
  absent: z.array(digest),
  signature: z.enum(['signed', 'unsigned', 'not-checked']),
  reason: z.string(),
  operators: z.strictObject({ packages: z.array(z.string()), bundles: z.array(z.string()) }).optional(),
});
const share = z.strictObject({ images: size, blobs: size, bytes: size });
const schema = z.strictObject({
  apiVersion: z.literal('airlock/v1alpha1'),
  kind: z.literal('Plan'),
  createdAt: z.iso.datetime(),
  toolVersion: z.string(),
  engine: z.enum(['builtin', 'oc-mirror']),
  generation: z.number().int().min(1).max(999_999),
  parent: z.strictObject({ generation: z.number().int().min(1), indexDigest: digest }).optional(),
  imageSetDigest: digest,
  siteDigest: digest.optional(),
  flags: z.record(z.string(), digest).optional(),
  volumeSizeBytes: size,
  images: z.array(image),
  repositories: z.array(
    z.strictObject({
      name: repository,
      tags: z.record(tag, digest),
      revisions: z.array(digest),
      layers: z.array(digest),
    }),
  ),
  blobs: z.array(blob),
  assumed: z.array(digest),
  files: z.array(file),
  assumedFiles: z.array(file),
  // Facts for people and for the emitted objects: read back as they were written.
  releases: z.array(z.looseObject({ version: z.string(), digest })),
  catalogs: z.array(z.looseObject({ origin: z.string(), digest })),
  missing: z.array(z.looseObject({ type: z.string(), origin: z.string(), code: z.string(), cause: z.string() })),
  notes: z.array(z.looseObject({ code: z.string(), subject: z.string(), message: z.string() })),
  totals: z.strictObject({ selected: share, assumed: share, carried: share }),
});

/** Whether text may name a bundle member: relative, no empty, `.` or `..` element, no control or backslash. */
export function isMemberPath(text: string): boolean {
  if (/[\u0000-\u001f\u007f\\]/.test(text)) return false;
  return text.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** @throws AirlockError PLAN_INVALID naming the first fault */
export function parsePlan(text: string, file: string): Plan {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new AirlockError('PLAN_INVALID', `${file} is not JSON`, { hint: 'plan again: airlock plan', cause: error });
  }
  return checkPlan(json, file);
}

/** Writes a plan after checking it: a plan that could not be read again is a bug, better seen now. */
export async function writePlan(plan: Plan, file: string, run: Run): Promise<void> {
  const text = prettyJson(plan);
  checkPlan(JSON.parse(text), file);
  await writeFileAtomic(file, text, run);
}

function checkPlan(json: unknown, file: string): Plan {
  const result = schema.safeParse(json);
  if (result.success) return result.data as unknown as Plan;
  const [issue] = result.error.issues;
  throw new AirlockError('PLAN_INVALID', `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a plan'}`, {
    hint: 'the file was changed, or another version of Airlock wrote it; plan again: airlock plan',
  });
}
