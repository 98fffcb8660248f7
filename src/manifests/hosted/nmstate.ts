import type { Host } from '../../config/index.ts';
import { AirlockError } from '../../core/errors.ts';
import { parseYaml } from '../../core/yaml.ts';

/** A desired state of network, as nmstate writes it. */
export type Nmstate = Readonly<Record<string, unknown>> & { readonly interfaces: readonly Interface[] };

interface Interface {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly 'mac-address'?: unknown;
  readonly 'link-aggregation'?: Ports;
  readonly vlan?: { readonly 'base-iface'?: unknown };
  readonly bridge?: Ports;
}

interface Ports {
  readonly port?: unknown;
  /** The older word for `port`. */
  readonly slaves?: unknown;
}

/** What an NMStateConfig says of one card: its name in the state, and by which MAC address it is found on the host. */
export interface NamedCard {
  readonly name: string;
  readonly macAddress: string;
}

/** @throws AirlockError NMSTATE_INVALID */
export function readNmstate(text: string, file: string): Nmstate {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    throw new AirlockError('NMSTATE_INVALID', `${file} is not YAML`, { cause: error });
  }
  if (typeof value === 'object' && value !== null && 'interfaces' in value && Array.isArray(value.interfaces))
    return { ...value, interfaces: value.interfaces };
  throw new AirlockError('NMSTATE_INVALID', `${file} is no nmstate: it has no list of interfaces`);
}

/**
 * Every card that the state names, with its MAC address: from the site file, else from the state itself, else that of the host for its only card.
 * A card without an entry would never be configured, and nobody would say so.
 * @throws AirlockError NMSTATE_INVALID
 */
export function physicalInterfaces(state: Nmstate, host: Host, file: string): NamedCard[] {
  const cards = cardNames(state);
  const invalid = (message: string): AirlockError =>
    new AirlockError('NMSTATE_INVALID', `${file}: ${message}`, {
      hint: `list every card of host ${host.name} with its MAC address in the site file (interfaces)`,
    });
  if (cards.length === 0 && !host.interfaces) throw invalid('it has no ethernet interface');
  const given = new Map((host.interfaces ?? []).map(({ name, macAddress }) => [name, macAddress]));
  for (const one of state.interfaces) {
    const mac = one['mac-address'];
    if (typeof mac === 'string' && cards.includes(String(one.name)) && !given.has(String(one.name)))
      given.set(String(one.name), mac.toLowerCase());
  }
  const [only, ...others] = cards;
  if (only !== undefined && others.length === 0 && given.size === 0) given.set(only, host.macAddress);
  const missing = cards.filter((name) => !given.has(name));
  if (missing.length > 0) throw invalid(`nothing tells the MAC address of ${missing.join(' and ')}`);
  return [...given].map(([name, macAddress]) => ({ name, macAddress }));
}

/** Ethernet interfaces, ports of bonds and bases of VLANs that nothing else in the state makes. Each once, in order. */
export function cardNames({ interfaces }: Pick<Nmstate, 'interfaces'>): string[] {
  const made = new Set(
    interfaces.filter(({ type }) => type !== undefined && type !== 'ethernet').map(({ name }) => String(name)),
  );
  const named = interfaces.flatMap((one) => {
    const own = made.has(String(one.name)) ? [] : [String(one.name)];
    const base = one.vlan?.['base-iface'];
    return [...own, ...portsOf(one['link-aggregation']), ...portsOf(one.bridge), ...(base ? [String(base)] : [])];
  });
  return [...new Set(named)].filter((name) => !made.has(name));
}

/** Ports of a bond are names, those of a bridge objects with one. */
function portsOf(ports: Ports | undefined): string[] {
  return [ports?.port, ports?.slaves]
    .flatMap((list): unknown[] => (Array.isArray(list) ? list : []))
    .map((port) => String(typeof port === 'object' && port !== null && 'name' in port ? port.name : port));
}
