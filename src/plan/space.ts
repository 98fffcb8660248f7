import type { DiskSpace } from '../core/disk.ts';
import type { Finding } from '../core/findings.ts';
import { formatBytes } from '../core/units.ts';
import { repositoryLinks } from '../oci/index.ts';
import type { Plan } from './plan.ts';

/** What one folder needs. `bytes` counts content, `allocatedBytes` whole blocks, `files` inodes. */
export interface SpaceNeed {
  readonly host: 'connected' | 'bastion';
  readonly purpose: 'bundle' | 'workspace' | 'registry' | 'web';
  readonly bytes: number;
  readonly allocatedBytes: number;
  readonly files: number;
}

const linkBytes = 71;

/** What every folder on both hosts needs for this generation. `volumesBytes` is the size of the laid-out volumes. */
export function forecastSpace(
  plan: Plan,
  volumesBytes: number,
  blockBytes: { readonly connected: number; readonly bastion: number },
): SpaceNeed[] {
  const links = plan.repositories.flatMap((repository) => [...repositoryLinks(repository)].map(() => linkBytes));
  const registry = [...plan.blobs.map((blob) => blob.size), ...links];
  const web = plan.files.filter((file) => file.webPath !== undefined).map((file) => file.sizeBytes);
  const need = (host: SpaceNeed['host'], purpose: SpaceNeed['purpose'], sizes: readonly number[]): SpaceNeed => ({
    host,
    purpose,
    bytes: sizes.reduce((sum, one) => sum + one, 0),
    allocatedBytes: sizes.reduce((sum, one) => sum + Math.ceil(one / blockBytes[host]) * blockBytes[host], 0),
    files: sizes.length,
  });
  return [
    need('connected', 'bundle', [volumesBytes]),
    need('bastion', 'registry', registry),
    need('bastion', 'web', web),
  ];
}

/** A finding when a folder on this host cannot hold its need; `doneBytes` is what an interrupted run has written there already. */
export function checkSpace(need: SpaceNeed, folder: string, space: DiskSpace, doneBytes = 0): Finding | undefined {
  const missing = need.allocatedBytes - doneBytes - space.freeBytes;
  if (missing <= 0) return undefined;
  return {
    code: 'SPACE_SHORT',
    severity: 'error',
    subject: folder,
    message: `needs ${formatBytes(need.allocatedBytes - doneBytes)} (${need.allocatedBytes - doneBytes} bytes), has ${formatBytes(space.freeBytes)} free`,
    hint: `free ${formatBytes(missing)} there or choose another folder`,
  };
}
