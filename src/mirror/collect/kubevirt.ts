import type { PlatformSelection } from '../../config/index.ts';
import { addMissing, type Collector } from './collector.ts';
import type { Payload } from './payload-content.ts';

/** The KubeVirt boot images (reference §6.6): x86_64 and s390x exist; their names get a suffix when several architectures are asked for. */
export function kubevirtComponents(
  collector: Collector,
  platform: PlatformSelection,
  origin: string,
  payload: Payload,
): { readonly name: string; readonly reference: string }[] {
  const asked = kubevirtArchitectures(platform, payload);
  const known = asked.flatMap((one) => (one === 'amd64' ? ['x86_64'] : one === 's390x' ? ['s390x'] : []));
  const isOpen = asked.includes('multi') || (known.length === 0 && platform.platforms.length > 0);
  const wanted = isOpen ? ['x86_64', 's390x'] : known;
  const isSuffixed = wanted.length > 1 || platform.architectures.length > 1;
  const found = wanted.flatMap((architecture) => {
    const reference = payload.coreos?.kubevirt[architecture];
    const name = isSuffixed ? `kube-virt-container-${architecture}` : 'kube-virt-container';
    return reference ? [{ name, reference }] : [];
  });
  if (found.length === 0)
    addMissing(
      collector,
      { type: 'ocpReleaseContent', origin },
      'RELEASE_PAYLOAD_INVALID',
      'the payload names no KubeVirt boot image for a wanted architecture',
    );
  return found;
}

/** The architectures that somebody asked for, whatever this payload is of. */
function kubevirtArchitectures(platform: PlatformSelection, payload: Payload): readonly string[] {
  if (platform.platforms.length > 0) return platform.platforms.map((one) => one.architecture);
  return platform.release ? [payload.architecture] : platform.architectures;
}
