import { splitHostPort } from '../../core/ip.ts';
import { serveWeb } from '../../workflow/index.ts';
import type { Invocation, Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { findSiteFile, pathFlag } from '../settings.ts';

export async function runWebServe(invocation: Invocation): Promise<Outcome> {
  const root = pathFlag(invocation, 'root');
  const listen = invocation.flags.list('listen')?.map((text) => {
    const { host, port } = splitHostPort(text);
    return { address: host, port: port ?? 8080 };
  });
  await serveWeb(
    {
      root,
      siteFile: root === undefined ? await findSiteFile(invocation) : undefined,
      listen,
      certificateFile: pathFlag(invocation, 'tlsCert'),
      keyFile: pathFlag(invocation, 'tlsKey'),
      accessLogFile: pathFlag(invocation, 'accessLog'),
      onReady: (url) => invocation.world.say(url),
    },
    invocation.run,
  );
  return { exitCode: exitCodes.done, result: {}, text: '' };
}
