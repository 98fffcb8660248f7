import { errorText, isAirlockError } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import { findIpFamily, parseIp } from '../../core/ip.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { finding } from '../finding.ts';
import type { CheckClients, CheckedName, CheckedPointer, CheckedResolver, CheckInput } from '../input.ts';
import type { CheckPart } from '../report.ts';

/**
 * Whether every DNS server of the site gives every name exactly its planned addresses, every address its name, and does not know the
 * unwanted names.
 */
export async function checkNames(input: CheckInput, clients: CheckClients, run: Run): Promise<CheckPart> {
  const findings: Finding[] = [];
  for (const resolver of clients.resolvers) findings.push(...(await checkResolver(input, resolver, run)));
  return {
    findings,
    counts: { names: input.names.length + input.pointers.length + input.unwantedNames.length },
  };
}

async function checkResolver(input: CheckInput, resolver: CheckedResolver, run: Run): Promise<Finding[]> {
  const parallel = input.parallel ?? 8;
  const [first, ...rest] = input.names;
  const found = first ? await checkName(first, resolver, run) : [];
  // A server that is not there is found out by one question, not by the time-outs of hundreds.
  if (found.some((one) => one.code === 'CHECK_DNS_FAILED')) return found;
  const names = await mapLimited(rest, parallel, (name) => checkName(name, resolver, run));
  const pointers = await mapLimited(input.pointers, parallel, (pointer) => checkPointer(pointer, resolver, run));
  const unwanted = await mapLimited(input.unwantedNames, parallel, (name) => checkUnwanted(name, resolver, run));
  return [found, ...names, ...pointers, ...unwanted].flat();
}

async function checkName(checked: CheckedName, resolver: CheckedResolver, run: Run): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const family of [4, 6] as const) {
    const planned = addresses(checked.addresses.filter((address) => findIpFamily(address) === family));
    const found = await ask(() => resolver.lookup(checked.name, family, run));
    if (typeof found === 'string') return [dnsFailed(checked.name, resolver, found)];
    const answer = addresses(found);
    if (answer.join() === planned.join()) continue;
    if (answer.length === 0)
      findings.push(
        finding(
          'CHECK_NAME_UNRESOLVED',
          checked.name,
          `${checked.name} has no IPv${family} address at ${resolver.address}, planned ${planned.join(', ')}`,
          'put the emitted zone into the DNS server that the nodes use',
        ),
      );
    else
      findings.push(
        finding(
          'CHECK_NAME_WRONG',
          checked.name,
          `${checked.name} resolves to ${answer.join(', ')} at ${resolver.address}, planned ${planned.join(', ') || `no IPv${family} address`}`,
          'correct the record, or the addresses in the site file',
        ),
      );
  }
  return findings;
}

async function checkPointer(checked: CheckedPointer, resolver: CheckedResolver, run: Run): Promise<Finding[]> {
  const found = await ask(() => resolver.lookupPointer(checked.name, run));
  if (typeof found === 'string') return [dnsFailed(checked.name, resolver, found)];
  const lacking = checked.values.filter((name) => !found.includes(name));
  if (lacking.length === 0) return [];
  return [
    finding(
      'CHECK_POINTER_WRONG',
      checked.name,
      `${checked.name} leads to ${found.join(', ') || 'no name'} at ${resolver.address}, planned ${checked.values.join(', ')}`,
      'put the emitted reverse zone into the DNS server that the nodes use',
      'warning',
    ),
  ];
}

async function checkUnwanted(name: string, resolver: CheckedResolver, run: Run): Promise<Finding[]> {
  for (const family of [4, 6] as const) {
    const found = await ask(() => resolver.lookup(name, family, run));
    // A server that does not answer for foreign names at all is as good as one that says no.
    if (typeof found === 'string' || found.length === 0) continue;
    return [
      finding(
        'CHECK_NAME_UNWANTED',
        name,
        `${name} resolves to ${addresses(found).join(', ')} inside the site`,
        'remove the record or forwarder: pulls would leave the mirror and hang',
        'warning',
      ),
    ];
  }
  return [];
}

function dnsFailed(name: string, resolver: CheckedResolver, why: string): Finding {
  return finding(
    'CHECK_DNS_FAILED',
    resolver.address,
    `the DNS server ${resolver.address} did not answer for ${name}: ${why}`,
    'start the DNS server (airlock status), and open port 53 for UDP and TCP',
  );
}

/** What a server says, or why there is no answer. */
async function ask(question: () => Promise<readonly string[]>): Promise<readonly string[] | string> {
  try {
    return await question();
  } catch (error) {
    if (isAirlockError(error, 'CANCELLED')) throw error;
    return errorText(error);
  }
}

/** Canonical and sorted. */
function addresses(texts: readonly string[]): string[] {
  return texts.map((address) => parseIp(address).text).sort();
}
