import { errorText, isAirlockError } from '../../core/errors.ts';
import type { Finding } from '../../core/findings.ts';
import { hostPort } from '../../core/ip.ts';
import { mapLimited } from '../../core/limit.ts';
import type { Run } from '../../core/run.ts';
import { finding } from '../finding.ts';
import type { CheckClients, CheckedService, CheckInput } from '../input.ts';
import { type Probe, probe } from '../probe.ts';
import type { CheckPart } from '../report.ts';

/** As other checks' parts, with the services (`host:port`) that cannot be asked for anything. */
export interface EndpointPart extends CheckPart {
  readonly dead: ReadonlySet<string>;
}

const dayMs = 86_400_000;

/** Whether every service accepts connections on every address that its name has, of both families, with a certificate that clusters trust. */
export async function checkEndpoints(input: CheckInput, clients: CheckClients, run: Run): Promise<EndpointPart> {
  const services: CheckedService[] = [{ title: 'registry', ...input.registry }, ...input.services];
  const places = await mapLimited(services, 4, async (service) => {
    const planned = input.names.find((name) => name.name === service.host)?.addresses ?? [];
    return (await addressesOf(service.host, planned, clients, run)).map((address) => ({ service, address }));
  });
  const tried = await mapLimited(places.flat(), input.parallel ?? 8, async ({ service, address }) => {
    const findings = judge(service, address, await probe({ ...service, address, caPem: input.caPem }, run), input, run);
    return { service: `${service.host}:${service.port}`, findings };
  });
  const usable = new Set(tried.filter(({ findings }) => !findings.some(isFatal)).map(({ service }) => service));
  return {
    findings: dedupe(tried.flatMap(({ findings }) => findings)),
    counts: { connections: tried.length },
    // One good address is enough: clients try the next one.
    dead: new Set(services.map(({ host, port }) => `${host}:${port}`).filter((service) => !usable.has(service))),
  };
}

function isFatal({ code }: Finding): boolean {
  return code === 'CHECK_UNREACHABLE' || code === 'CHECK_TLS_UNTRUSTED' || code === 'CHECK_CERTIFICATE_EXPIRED';
}

async function addressesOf(
  host: string,
  planned: readonly string[],
  clients: CheckClients,
  run: Run,
): Promise<readonly string[]> {
  try {
    const found = await Promise.all(([4, 6] as const).map((family) => clients.lookup(host, family, run)));
    const all = found.flat();
    return all.length > 0 ? all : planned;
  } catch (error) {
    if (isAirlockError(error, 'CANCELLED')) throw error;
    // That DNS fails is a finding of its own; whether the service lives can still be told.
    return planned;
  }
}

function judge(service: CheckedService, address: string, seen: Probe, input: CheckInput, run: Run): Finding[] {
  const subject = `${service.host}:${service.port}`;
  const place = `the ${service.title} at ${hostPort(address, service.port)}`;
  if (seen.kind === 'unreachable')
    return [
      finding(
        'CHECK_UNREACHABLE',
        subject,
        `${place} does not answer: ${errorText(seen.error)}`,
        'start it (airlock up), let it listen on this address, open the port in the firewall',
      ),
    ];
  if (seen.kind === 'open') return [];
  const findings: Finding[] = [];
  const now = run.now().getTime();
  if (seen.validFrom.getTime() > now || seen.validTo.getTime() <= now)
    findings.push(
      finding(
        'CHECK_CERTIFICATE_EXPIRED',
        subject,
        `the certificate of ${place} is valid from ${seen.validFrom.toISOString()} to ${seen.validTo.toISOString()}`,
        'renew it (airlock certs renew), and check the clocks',
      ),
    );
  else {
    const days = Math.floor((seen.validTo.getTime() - now) / dayMs);
    if (days < (input.expiryDays ?? 30))
      findings.push(
        finding(
          'CHECK_CERTIFICATE_EXPIRES',
          subject,
          `the certificate of ${place} ends in ${days} days, on ${seen.validTo.toISOString()}`,
          'renew it (airlock certs renew)',
          'warning',
        ),
      );
    if (seen.untrusted !== undefined)
      findings.push(
        finding(
          'CHECK_TLS_UNTRUSTED',
          subject,
          `the certificate of ${place} does not verify with the emitted CA: ${seen.untrusted}`,
          'emit and apply again after a change of the CA, or let the service show its whole chain',
        ),
      );
  }
  if (!seen.names.includes(service.host.toLowerCase()))
    findings.push(
      finding(
        'CHECK_TLS_NO_SAN',
        subject,
        `the certificate of ${place} names ${seen.names.join(', ') || 'no host'} as alternative names, not ${service.host}`,
        'issue a certificate with the name as subject alternative name: clusters ignore the common name',
      ),
    );
  return findings;
}

function dedupe(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((one) => [`${one.code} ${one.subject} ${one.message}`, one])).values()];
}
