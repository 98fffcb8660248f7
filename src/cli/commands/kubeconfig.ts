import { AirlockError } from '../../core/errors.ts';
import type { Invocation } from '../command.ts';
import { pathFlag, userPath } from '../settings.ts';

/**
 * How the management cluster is reached: by flag, and otherwise what `KUBECONFIG` says where the site names none. A list of files there, which
 * `oc` would merge, is refused: which cluster is meant must not depend on its order.
 * @throws AirlockError USAGE
 */
export function kubeconfigSettings(invocation: Invocation): {
  readonly kubeconfig: string | undefined;
  readonly usualKubeconfig: string | undefined;
} {
  const kubeconfig = pathFlag(invocation, 'kubeconfig');
  const [first, ...more] = (invocation.world.env['KUBECONFIG'] ?? '').split(':').filter(Boolean);
  if (kubeconfig === undefined && more.length > 0)
    throw new AirlockError('USAGE', 'KUBECONFIG names several files', { hint: 'name one with --kubeconfig FILE' });
  return { kubeconfig, usualKubeconfig: first === undefined ? undefined : userPath(invocation, first) };
}
