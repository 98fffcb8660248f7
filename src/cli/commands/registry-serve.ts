import { splitHostPort } from '../../core/ip.ts';
import { serveRegistry } from '../../workflow/index.ts';
import type { Invocation, Outcome } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { pathFlag } from '../settings.ts';
import { mediaFlag } from './verify.ts';

export async function runRegistryServe(invocation: Invocation): Promise<Outcome> {
  const { flags, world } = invocation;
  const listen = (flags.list('listen') ?? []).map((text) => {
    const { host, port } = splitHostPort(text);
    return { host, port: port ?? 5000 };
  });
  await serveRegistry(
    {
      storage: pathFlag(invocation, 'storage'),
      bundle: pathFlag(invocation, 'bundle'),
      media: mediaFlag(invocation),
      listen,
      certificateFile: pathFlag(invocation, 'tlsCert'),
      keyFile: pathFlag(invocation, 'tlsKey'),
      htpasswdFile: pathFlag(invocation, 'htpasswd'),
      anonymousPull: flags.on('anonymousPull'),
      readOnly: flags.on('readOnly'),
      allowSparse: flags.on('allowSparse'),
      accessLogFile: pathFlag(invocation, 'accessLog'),
      onReady: (url) => world.say(url),
    },
    invocation.run,
  );
  return { exitCode: exitCodes.done, result: {}, text: '' };
}
