export { type CheckCode, checkCodes } from './codes.ts';
export { checkErrors } from './errors.ts';
export { createCheckRequest, type HttpRequestOptions, siteLookup } from './http-request.ts';
export type {
  CheckClients,
  CheckedFile,
  CheckedImage,
  CheckedName,
  CheckedPointer,
  CheckedResolver,
  CheckedService,
  CheckInput,
  FileAnswer,
} from './input.ts';
export type { CheckCounts, CheckReport } from './report.ts';
export { runChecks } from './run-checks.ts';
