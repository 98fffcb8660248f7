import { AirlockError } from '../../core/errors.ts';
import type { Reference } from '../reference.ts';
import type { RegistriesConf, RegistryRule } from './registries-conf.ts';

/** A place to try, in order. */
export interface ReferenceCandidate {
  readonly reference: Reference;
  readonly insecure: boolean;
  readonly kind: 'mirror' | 'primary';
}

/** Where a reference leads. */
export interface ReferenceMapping {
  /** The prefix that matched, undefined when no rule does. */
  readonly prefix: string | undefined;
  /** The primary location must not be asked (a mirror may). */
  readonly blocked: boolean;
  /** Mirrors first, then the primary location (left out when blocked). */
  readonly candidates: readonly ReferenceCandidate[];
}

/**
 * Where a reference leads by the rule with the longest matching prefix: pure, so that `check` can see with a node's eyes.
 * `use` says which mirrors count: those for the reference as it is (default) or all of them, for blobs of an image found before.
 */
export function mapReference(
  reference: Reference,
  conf: RegistriesConf,
  use: 'matching' | 'all' = 'matching',
): ReferenceMapping {
  const name = `${reference.registry}/${reference.repository}`;
  const rule = findRule(name, conf);
  if (!rule) {
    const candidates: ReferenceCandidate[] = [{ reference, insecure: false, kind: 'primary' }];
    return { prefix: undefined, blocked: false, candidates };
  }
  const matched = matchedLength(name, rule.prefix);
  const byDigest = reference.digest !== undefined;
  const candidates: ReferenceCandidate[] = [];
  for (const mirror of rule.mirrors) {
    const fits = mirror.pullFromMirror === 'all' || (mirror.pullFromMirror === 'digest-only') === byDigest;
    if (!fits && use === 'matching') continue;
    const mirrored = rewrite(reference, name, matched, mirror.location);
    candidates.push({ reference: mirrored, insecure: mirror.insecure, kind: 'mirror' });
  }
  if (!rule.blocked) {
    const primary = rule.location === '' ? reference : rewrite(reference, name, matched, rule.location);
    candidates.push({ reference: primary, insecure: rule.insecure, kind: 'primary' });
  }
  return { prefix: rule.prefix, blocked: rule.blocked, candidates };
}

function findRule(name: string, conf: RegistriesConf): RegistryRule | undefined {
  let best: RegistryRule | undefined;
  for (const rule of conf.rules) {
    if (matchedLength(name, rule.prefix) >= 0 && rule.prefix.length > (best?.prefix.length ?? -1)) best = rule;
  }
  return best;
}

/** How many characters of `host/path` the prefix stands for; -1 when it does not match. */
function matchedLength(name: string, prefix: string): number {
  if (prefix.startsWith('*.')) {
    const suffix = prefix.slice(1);
    const at = name.indexOf(suffix);
    const host = name.indexOf('/');
    // The dot of the suffix must lie within the host, after at least one character.
    if (at <= 0 || (host >= 0 && at >= host)) return -1;
    return endsComponent(name, at + suffix.length) ? at + suffix.length : -1;
  }
  return name.startsWith(prefix) && endsComponent(name, prefix.length) ? prefix.length : -1;
}

function endsComponent(name: string, at: number): boolean {
  return at === name.length || name[at] === '/' || name[at] === ':';
}

function rewrite(reference: Reference, name: string, matched: number, location: string): Reference {
  const whole = location + name.slice(matched);
  const slash = whole.indexOf('/');
  if (slash < 0)
    throw new AirlockError('REGISTRIES_CONF_INVALID', `location "${location}" leaves no repository of ${name}`);
  return { ...reference, registry: whole.slice(0, slash), repository: whole.slice(slash + 1) };
}
