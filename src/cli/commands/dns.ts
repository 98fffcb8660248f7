import { hasErrors } from '../../core/findings.ts';
import { splitHostPort } from '../../core/ip.ts';
import { dnsLint, dnsQuery, dnsServe, dnsZone } from '../../workflow/index.ts';
import { argument, type Invocation, type Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderFindings } from '../render/findings.ts';
import { renderTable } from '../render/table.ts';
import { findSiteFile, getSiteFile } from '../settings.ts';

export async function runDnsZone(invocation: Invocation): Promise<Outcome> {
  const files = await dnsZone(await getSiteFile(invocation), invocation.flags.text('format') ?? 'bind', invocation.run);
  return { exitCode: exitCodes.done, result: { files }, text: files.map((file) => file.content).join('\n') };
}

export async function runDnsServe(invocation: Invocation): Promise<Outcome> {
  const listen = invocation.flags.list('listen')?.map((text) => {
    const { host, port } = splitHostPort(text);
    return { address: host, port: port ?? 53 };
  });
  await dnsServe(await getSiteFile(invocation), listen, (url) => invocation.world.say(url), invocation.run);
  return { exitCode: exitCodes.done, result: {}, text: '' };
}

export async function runDnsQuery(invocation: Invocation): Promise<Outcome> {
  const server = invocation.flags.text('server');
  const parsed = server === undefined ? undefined : splitHostPort(server);
  const answer = await dnsQuery(
    {
      siteFile: server === undefined ? await findSiteFile(invocation) : undefined,
      server: parsed && { address: parsed.host, port: parsed.port ?? 53 },
      name: argument(invocation, 0) ?? '',
      type: argument(invocation, 1) ?? 'A',
    },
    invocation.run,
  );
  const rows = answer.answers.map((one) => [one.name, String(one.ttlSeconds), one.type, one.value]);
  const found = answer.rcode === 'NOERROR' && rows.length > 0;
  return {
    exitCode: found ? exitCodes.done : exitCodes.no,
    result: answer,
    text: rows.length > 0 ? renderTable([], rows) : `${answer.rcode}, no records`,
  };
}

export async function runDnsLint(invocation: Invocation): Promise<Outcome> {
  const findings = await dnsLint(await getSiteFile(invocation), invocation.flags.on('live'), invocation.run);
  return {
    exitCode: hasErrors(findings) ? exitCodes.no : exitCodes.done,
    result: { findings },
    text: renderFindings(findings),
  };
}
