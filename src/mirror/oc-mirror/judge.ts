import { AirlockError } from '../../core/errors.ts';
import type { ImageType, MissingContent } from '../../plan/index.ts';
import { exit, texts } from './dialect.ts';
import type { FailedImage } from './output.ts';
import type { OcMirrorEnd } from './run.ts';

/** How a run of the binary is to be taken. */
export type OcMirrorVerdict =
  | { readonly kind: 'done' }
  /** The image set selects no image at all. */
  | { readonly kind: 'nothing' }
  /** `bits` are its own: 2 release, 4 operator, 8 additional images, 16 helm. */
  | { readonly kind: 'missing'; readonly bits: number; readonly missing: readonly MissingContent[] };

const allBits = Object.values(exit.bits).reduce((sum, bit) => sum | bit, 0);

/** What a bit stands for where the binary names no image. */
const bitTypes: readonly (readonly [number, ImageType])[] = [
  [exit.bits.release, 'ocpRelease'],
  [exit.bits.operator, 'operatorCatalog'],
  [exit.bits.additional, 'generic'],
  [exit.bits.helm, 'helmImage'],
];

/**
 * Takes the end of a run apart. A panic ends with 2 as a missing release does, so what it said counts before its exit code.
 * @throws AirlockError OC_MIRROR_CRASHED, OC_MIRROR_CONFIG_REFUSED, OC_MIRROR_FAILED, each naming the folder with the logs
 */
export function judgeEnd(end: OcMirrorEnd): OcMirrorVerdict {
  const { exitCode, output } = end;
  if (output.panic !== undefined) {
    throw failure(
      'OC_MIRROR_CRASHED',
      `oc-mirror crashed: ${output.panic}`,
      end,
      'use --engine builtin, or report it to openshift/oc-mirror',
    );
  }
  if (exitCode === exit.done) return { kind: 'done' };
  if (exitCode !== undefined && exitCode > exit.generic && (exitCode & ~allBits) === 0)
    return { kind: 'missing', bits: exitCode, missing: listMissing(end, exitCode) };
  const said = output.fatal ?? output.finalError ?? output.errors.at(-1) ?? output.lastLine;
  if (exitCode === exit.generic && said !== undefined) {
    if (texts.nothingToDo.test(said)) return { kind: 'nothing' };
    if (texts.configInvalid.test(said))
      throw failure(
        'OC_MIRROR_CONFIG_REFUSED',
        `oc-mirror refuses the configuration: ${said}`,
        end,
        'airlock lint says where the fault is',
      );
  }
  const how = exitCode === undefined ? `was ended by ${end.signal ?? 'a signal'}` : `ended with exit code ${exitCode}`;
  const hint = texts.signatureAbsent.test(said ?? '')
    ? 'a release image has no cosign signature, which oc-mirror insists on: add --remove-signatures, or use --engine builtin'
    : 'run the same command again: what is in its cache is not fetched again';
  throw failure('OC_MIRROR_FAILED', `oc-mirror ${how}${said === undefined ? '' : `: ${said}`}`, end, hint);
}

function failure(code: string, message: string, end: OcMirrorEnd, hint: string): AirlockError {
  const { exitCode, signal, logFolder } = end;
  return new AirlockError(code, `${message.trim()}\nits logs are in ${logFolder}`, {
    hint,
    details: { exitCode, signal, logFolder },
  });
}

/** Each image that failed; for a category of which it names none, what it said at its end. */
function listMissing(end: OcMirrorEnd, bits: number): MissingContent[] {
  const failed = end.output.failed.map((image) => describeFailed(image, bits));
  const said = end.output.finalError ?? end.output.errors.at(-1) ?? `exit code ${bits}`;
  // After single failures the other bits only say that the rest was not finished any more.
  if (failed.length > 0) return failed;
  return bitTypes.flatMap(([bit, type]) =>
    (bits & bit) === 0 ? [] : [{ type, origin: findReference(said), code: codeOf(said), cause: said.trim() }],
  );
}

function describeFailed(image: FailedImage, bits: number): MissingContent {
  const type = image.type ?? bitTypes.find(([bit]) => (bits & bit) !== 0)?.[1] ?? 'generic';
  return { type, origin: image.origin, code: codeOf(image.cause), cause: image.cause.trim() };
}

/** Whether a service failed, or the content is simply not there: they end with different exit codes. */
function codeOf(cause: string): string {
  return texts.unreachable.test(cause) ? 'OC_MIRROR_IMAGE_FAILED' : 'OC_MIRROR_IMAGE_MISSING';
}

function findReference(text: string): string {
  return texts.reference.exec(text)?.[1] ?? 'the image set';
}
