import path from 'node:path';
import { AirlockError } from '../../core/errors.ts';
import { findFile } from '../../core/files.ts';
import type { Run } from '../../core/run.ts';
import { mergeRegistriesConf, parseRegistriesConf, type RegistriesConf } from './registries-conf.ts';

/** Where registries.conf is looked for. */
export interface RegistriesConfPlaces {
  /** CONTAINERS_REGISTRIES_CONF or a flag: this file (which must exist) and `FILE.d/*.conf`, nothing else. */
  readonly file?: string;
  readonly homeDir?: string;
  /** The system's file; default /etc/containers/registries.conf. */
  readonly systemFile?: string;
}

const systemFile = '/etc/containers/registries.conf';

/**
 * Reads registries.conf as the containers tools do: the user's file or, without one, the system's; then the drop-ins of both, by name.
 * @throws AirlockError REGISTRIES_CONF_INVALID, FILE_UNREADABLE @see containers-registries.conf.d(5)
 */
export async function loadRegistriesConf(places: RegistriesConfPlaces, run: Run): Promise<RegistriesConf> {
  if (places.file !== undefined) {
    const main = await readPart(places.file, run);
    if (!main) throw new AirlockError('REGISTRIES_CONF_INVALID', `${places.file} does not exist`);
    return mergeRegistriesConf([main, ...(await readDropIns(`${places.file}.d`, run))]);
  }
  const system = places.systemFile ?? systemFile;
  const user = places.homeDir ? path.join(places.homeDir, '.config/containers/registries.conf') : undefined;
  const main = (user && (await readPart(user, run))) ?? (await readPart(system, run));
  const dropIns = [...(await readDropIns(`${system}.d`, run)), ...(user ? await readDropIns(`${user}.d`, run) : [])];
  return mergeRegistriesConf([...(main ? [main] : []), ...dropIns]);
}

async function readPart(file: string, run: Run): Promise<RegistriesConf | undefined> {
  const bytes = await findFile(file, run, 16 << 20);
  return bytes && parseRegistriesConf(bytes.toString('utf8'), file);
}

async function readDropIns(folder: string, run: Run): Promise<RegistriesConf[]> {
  const parts: RegistriesConf[] = [];
  for (const entry of await run.disk.list(folder)) {
    const part = entry.name.endsWith('.conf') ? await readPart(path.join(folder, entry.name), run) : undefined;
    if (part) parts.push(part);
  }
  return parts;
}
