import type { PlatformSelection } from '../../config/index.ts';
import { addMissing, type Collector } from './collector.ts';
import type { Payload } from './payload-content.ts';

const both = ['x86_64', 's390x'];

/** The KubeVirt boot images (reference §6.6): x86_64 and s390x exist; their names get a suffix when both are wanted. */
export function kubevirtComponents(
  collector: Collector,
  platform: PlatformSelection,
  origin: string,
  payload: Payload,
): { readonly name: string; readonly reference: string }[] {
  const wanted = kubevirtArchitectures(platform, payload);
  const found = wanted.flatMap((architecture) => {
    const reference = payload.coreos?.kubevirt[architecture];
    const name = wanted.length > 1 ? `kube-virt-container-${architecture}` : 'kube-virt-container';
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

/**
 * What the file asks for, whatever a payload is of, since oc-mirror looks for these names when it reads the archive.
 * Where no architecture is known, both go with `platforms`, else x86_64. A pinned s390x payload needs no architecture (D49).
 * @see https://github.com/openshift/oc-mirror/pull/1497
 */
function kubevirtArchitectures(platform: PlatformSelection, payload: Payload): readonly string[] {
  const { platforms, architectures } = platform;
  const asked = platforms.length > 0 ? platforms.map((one) => one.architecture) : architectures;
  if (asked.includes('multi')) return both;
  if (platform.release !== undefined && architectures.length === 1 && payload.architecture === 's390x')
    return ['s390x'];
  const known = asked.flatMap((one) => (one === 'amd64' ? ['x86_64'] : one === 's390x' ? ['s390x'] : []));
  if (known.length > 0) return [...new Set(known)];
  return platforms.length > 0 ? both : ['x86_64'];
}
