import { assertRunning, type Run } from '../core/run.ts';
import { checkEndpoints } from './checks/endpoints.ts';
import { checkFiles } from './checks/files.ts';
import { checkImages } from './checks/images.ts';
import { checkLogin } from './checks/login.ts';
import { checkNames } from './checks/names.ts';
import { finding } from './finding.ts';
import type { CheckClients, CheckInput } from './input.ts';
import { type CheckPart, type CheckReport, joinParts } from './report.ts';

/**
 * The readiness proof: looks at the site as its nodes will, with their resolver, CA, pull secret and mirror rules. Never changes anything.
 * Where the registry or the web server does not answer at all, what lies behind it is one finding, not thousands.
 * @throws AirlockError CANCELLED, PULL_SECRET_INVALID
 */
export async function runChecks(input: CheckInput, clients: CheckClients, run: Run): Promise<CheckReport> {
  assertRunning(run);
  const names = await checkNames(input, clients, run);
  const endpoints = await checkEndpoints(input, clients, run);
  const { dead } = endpoints;
  const parts: CheckPart[] = [names, endpoints];
  const registry = `${input.registry.host}:${input.registry.port}`;
  if (dead.has(registry)) parts.push(skipped(registry, `${input.images.length} images`));
  else {
    const login = await checkLogin(input, clients, run);
    parts.push(login);
    if (login.findings.some((one) => one.severity === 'error'))
      parts.push(skipped(registry, `${input.images.length} images`));
    else parts.push(await checkImages(input, clients, run));
  }
  const files = input.files.filter((file) => !dead.has(serviceOf(file.url)));
  if (files.length < input.files.length)
    parts.push(skipped('web server', `${input.files.length - files.length} files`));
  parts.push(await checkFiles({ ...input, files }, clients, run));
  return joinParts(parts);
}

function serviceOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname.replace(/^\[|\]$/g, '')}:${port || (protocol === 'https:' ? 443 : 80)}`;
}

function skipped(subject: string, what: string): CheckPart {
  const hint = 'solve the findings above and check again';
  return {
    findings: [finding('CHECK_SKIPPED', subject, `${what} were not checked`, hint, 'warning')],
    counts: {},
  };
}
