import { type UpResult, up, upForeground } from '../../workflow/index.ts';
import type { Invocation, Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { engineSearch, getSiteFile, selfCommand } from '../settings.ts';

export async function runUp(invocation: Invocation): Promise<Outcome> {
  const siteFile = await getSiteFile(invocation);
  const { flags, run, world } = invocation;
  if (flags.on('foreground')) {
    const ready = (endpoints: readonly { readonly service: string; readonly url: string }[]): void => {
      for (const { service, url } of endpoints) world.say(`${service} ${url}`);
    };
    await upForeground(siteFile, flags.on('embeddedRegistry'), ready, run);
    return { exitCode: exitCodes.done, result: {}, text: '' };
  }
  const result = await up({ siteFile, selfCommand: selfCommand(invocation), engine: engineSearch(invocation) }, run);
  return { exitCode: exitCodes.done, result, text: renderUp(result) };
}

function renderUp(result: UpResult): string {
  const { certificates, registry } = result;
  return [
    `certificates: ${certificates.changed ? `changed (${certificates.reason ?? 'made'})` : 'left alone'}, valid until ${certificates.notAfter.slice(0, 10)}, CA ${certificates.caFile}`,
    `registry: ${registry.url} (${registry.mode}, ${registry.state})`,
    `web server: ${result.web.join(', ')}`,
    result.dns.length > 0 ? `DNS: ${result.dns.join(', ')}` : 'DNS: served by somebody else',
    `services: ${result.services}, log ${result.logFile}`,
  ].join('\n');
}
