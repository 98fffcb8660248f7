import { errorText } from '../core/errors.ts';
import type { Finding } from '../core/findings.ts';
import { hostPort } from '../core/ip.ts';
import { mapLimited } from '../core/limit.ts';
import type { Run } from '../core/run.ts';
import { lookup } from './lookup.ts';
import type { AbsentName } from './must-not-resolve.ts';
import type { DomainName } from './name.ts';
import { plannedNames, plannedPointers } from './planned.ts';
import type { RecordType } from './rrset.ts';
import type { DnsAddress } from './server.ts';
import type { Zone } from './zone.ts';

export interface VerifyServerOptions {
  /** Any server that the site's hosts use: ours, BIND, dnsmasq, a corporate one. */
  readonly server: DnsAddress;
  readonly zones: readonly Zone[];
  /** From `findMustNotResolve`. */
  readonly absent?: readonly AbsentName[];
  /** Per question; default 2000. */
  readonly timeoutMs?: number;
}

/**
 * Asks a server for every planned address and PTR, with a made-up label under each wildcard, and for every name that must not resolve.
 * No finding means that it gives exactly the planned sets (hosted-clusters-disconnected §3, step 1).
 * @throws AirlockError CANCELLED; a server that does not answer is a finding
 */
export async function verifyServer(options: VerifyServerOptions, run: Run): Promise<Finding[]> {
  const questions = options.zones.flatMap(zoneQuestions);
  // A server that is not there is found out by one question, not by the time-outs of hundreds.
  const first = questions[0];
  const silent = first ? (await plannedFindings(options, first, run)).filter(isSilence) : [];
  if (silent.length > 0) return silent;
  const planned = await mapLimited(questions, parallel, (one) => plannedFindings(options, one, run));
  const absent = await mapLimited(options.absent ?? [], parallel, (one) => absentFindings(options, one, run));
  return [...planned, ...absent].flat();
}

// Two look-ups each for absent names: below the ten listeners on one signal at which Node warns.
const parallel = 4;

function isSilence(finding: Finding): boolean {
  return finding.code === 'DNS_SERVER_SILENT';
}

interface PlannedQuestion {
  readonly name: DomainName;
  readonly type: RecordType;
  /** Empty: the name exists, without this type. */
  readonly values: readonly string[];
}

/** Both families of every name with addresses, since "no such name" for the absent one makes some resolvers give up on the other. */
function zoneQuestions(zone: Zone): PlannedQuestion[] {
  const addresses = plannedNames(zone).flatMap((planned) =>
    (['A', 'AAAA'] as const).map((type) => ({ name: planned.name, type, values: planned.addresses[type] })),
  );
  return [...addresses, ...plannedPointers(zone).map((pointer) => ({ ...pointer, type: 'PTR' as const }))];
}

async function plannedFindings(options: VerifyServerOptions, question: PlannedQuestion, run: Run): Promise<Finding[]> {
  const subject = `${question.name} ${question.type}`;
  const answer = await ask(options, question.name, question.type, run);
  if ('finding' in answer) return [answer.finding];
  if (answer.rcode !== 'NOERROR')
    return [
      {
        code: answer.rcode === 'NXDOMAIN' ? 'DNS_NAME_MISSING' : 'DNS_ANSWER_REFUSED',
        severity: 'error',
        subject,
        message: `is answered with ${answer.rcode} by ${hostPort(options.server.address, options.server.port)}`,
        hint:
          answer.rcode === 'NXDOMAIN'
            ? 'load the emitted zones there'
            : 'the server does not hold this zone, or does not answer this host',
      },
    ];
  const [want, got] = [[...question.values].sort(), [...answer.values].sort()];
  if (want.join() === got.join()) return [];
  return [
    {
      code: 'DNS_ANSWER_DIFFERS',
      severity: 'error',
      subject,
      message: `should be ${want.join(', ') || 'empty'}, is ${got.join(', ') || 'empty'}`,
    },
  ];
}

async function absentFindings(options: VerifyServerOptions, absent: AbsentName, run: Run): Promise<Finding[]> {
  const answers = await mapLimited(['A', 'AAAA'] as const, 2, (type) => ask(options, absent.name, type, run));
  return answers.flatMap((answer): Finding[] => {
    if ('finding' in answer) return [answer.finding];
    if (answer.values.length === 0) return [];
    return [
      {
        code: 'DNS_MUST_NOT_RESOLVE',
        severity: 'error',
        subject: absent.name,
        message: `has the address ${answer.values.join(', ')}: ${absent.why}`,
      },
    ];
  });
}

async function ask(
  options: VerifyServerOptions,
  name: DomainName,
  type: RecordType,
  run: Run,
): Promise<{ rcode: string; values: string[] } | { finding: Finding }> {
  const { server, timeoutMs = 2000 } = options;
  try {
    const answer = await lookup({ server, name, type, timeoutMs }, run);
    const values = answer.answers.filter((record) => record.type === type).map((record) => record.value);
    return { rcode: answer.rcode, values };
  } catch (error) {
    if (run.signal.aborted) throw error;
    const subject = hostPort(server.address, server.port);
    const question = `${name} ${type}`;
    return {
      finding: {
        code: 'DNS_SERVER_SILENT',
        severity: 'error',
        subject,
        message: `does not answer ${question}: ${errorText(error)}`,
      },
    };
  }
}
