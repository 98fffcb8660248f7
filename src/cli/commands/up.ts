import { type UpResult, up, upForeground, upSupervised } from '../../workflow/index.ts';
import type { Invocation, Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderNext, siteWords } from '../render/next.ts';
import { engineSearch, getSiteFile, selfCommand } from '../settings.ts';

export async function runUp(invocation: Invocation): Promise<Outcome> {
  const siteFile = await getSiteFile(invocation);
  const { flags, run, world } = invocation;
  const supervisor = flags.text('supervisor');
  if (flags.on('supervised')) {
    await upSupervised(siteFile, flags.on('embeddedRegistry'), selfCommand(invocation), run);
    return { exitCode: exitCodes.done, result: {}, text: '' };
  }
  if (flags.on('foreground')) {
    const ready = (endpoints: readonly { readonly service: string; readonly url: string }[]): void => {
      for (const { service, url } of endpoints) world.say(`${service} ${url}`);
    };
    await upForeground(siteFile, flags.on('embeddedRegistry'), ready, run);
    return { exitCode: exitCodes.done, result: {}, text: '' };
  }
  const result = await up(
    {
      siteFile,
      selfCommand: selfCommand(invocation),
      engine: engineSearch(invocation),
      supervisor: supervisor === 'systemd' || supervisor === 'process' ? supervisor : 'auto',
    },
    run,
  );
  const next = renderNext(...['emit', 'check'].map((name) => `airlock ${name}${siteWords(flags)}`));
  return { exitCode: exitCodes.done, result, text: `${renderUp(result, flags.on('printFirewall'))}\n${next}` };
}

function renderUp(result: UpResult, printFirewall: boolean): string {
  const { certificates, registry, firewall } = result;
  return [
    `certificates: ${certificates.changed ? `changed (${certificates.reason ?? 'made'})` : 'left alone'}, valid until ${certificates.notAfter.slice(0, 10)}, CA ${certificates.caFile}`,
    `registry: ${registry.url} (${registry.mode}, ${registry.state})`,
    `web server: ${result.web.join(', ')}`,
    result.dns.length > 0 ? `DNS: ${result.dns.join(', ')}` : 'DNS: served by somebody else',
    `services: ${result.services}, kept by ${result.supervisor === 'systemd' ? 'systemd' : 'a process of their own'}, log ${result.logFile}`,
    ...firewallLines(firewall),
    ...(printFirewall && firewall.state !== 'forbidden'
      ? ['firewall commands:', ...firewall.commands.map((command) => `  ${command}`)]
      : []),
  ].join('\n');
}

function firewallLines({ state, ports, commands }: UpResult['firewall']): string[] {
  if (state === 'none') return [];
  if (state !== 'forbidden') return [`firewall: ${ports.join(', ')} ${state}`];
  return ['firewall: firewalld does not answer this user; as root:', ...commands.map((command) => `  ${command}`)];
}
