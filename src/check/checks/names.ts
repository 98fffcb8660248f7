import { errorText, isAirlockError } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import { findIpFamily, type IpFamily, parseIp } from '../../core/ip.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { finding } from '../finding.ts';
import type { CheckClients, CheckedName, CheckInput } from '../input.ts';
import type { CheckPart } from '../report.ts';

/** Whether the site's DNS gives every name exactly its planned addresses, and does not know the unwanted names. */
export async function checkNames(input: CheckInput, clients: CheckClients, run: Run): Promise<CheckPart> {
  const parallel = input.parallel ?? 8;
  const wanted = await mapLimited(input.names, parallel, (name) => checkName(name, clients, run));
  const unwanted = await mapLimited(input.unwantedNames, parallel, (name) => checkUnwanted(name, clients, run));
  return {
    findings: [...wanted, ...unwanted].flat(),
    counts: { names: input.names.length + input.unwantedNames.length },
  };
}

async function checkName(checked: CheckedName, clients: CheckClients, run: Run): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const family of [4, 6] as const) {
    const planned = checked.addresses
      .filter((address) => findIpFamily(address) === family)
      .map(canonical)
      .sort();
    const found = await ask(checked.name, family, clients, run);
    if (typeof found === 'string') return [dnsFailed(checked.name, found)];
    if (found.join() === planned.join()) continue;
    if (found.length === 0)
      findings.push(
        finding(
          'CHECK_NAME_UNRESOLVED',
          checked.name,
          `${checked.name} has no IPv${family} address, planned ${planned.join(', ')}`,
          'put the emitted zone into the DNS server that the nodes use',
        ),
      );
    else
      findings.push(
        finding(
          'CHECK_NAME_WRONG',
          checked.name,
          `${checked.name} resolves to ${found.join(', ')}, planned ${planned.join(', ') || `no IPv${family} address`}`,
          'correct the record, or the addresses in the site file',
        ),
      );
  }
  return findings;
}

async function checkUnwanted(name: string, clients: CheckClients, run: Run): Promise<Finding[]> {
  for (const family of [4, 6] as const) {
    const found = await ask(name, family, clients, run);
    // A server that does not answer for foreign names at all is as good as one that says no.
    if (typeof found === 'string' || found.length === 0) continue;
    return [
      finding(
        'CHECK_NAME_UNWANTED',
        name,
        `${name} resolves to ${found.join(', ')} inside the site`,
        'remove the record or forwarder: pulls would leave the mirror and hang',
        'warning',
      ),
    ];
  }
  return [];
}

function dnsFailed(name: string, why: string): Finding {
  return finding(
    'CHECK_DNS_FAILED',
    name,
    `the DNS server did not answer for ${name}: ${why}`,
    'start the DNS server (airlock status), and open port 53 for UDP and TCP',
  );
}

/** Sorted canonical addresses, or why there is no answer. */
async function ask(name: string, family: IpFamily, clients: CheckClients, run: Run): Promise<string[] | string> {
  try {
    return (await clients.lookup(name, family, run)).map(canonical).sort();
  } catch (error) {
    if (isAirlockError(error, 'CANCELLED')) throw error;
    return errorText(error);
  }
}

function canonical(address: string): string {
  return parseIp(address).text;
}
