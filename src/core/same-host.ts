import type { Server, Socket } from 'node:net';
import { findDescriptor, type ZeroCopy } from './zero-copy.ts';

/** Built into every kernel and open to everyone. */
const unpaced = 'reno';

/**
 * Has the connections of a listening server do without BBR where both ends are on this host. BBR sends at the rate that it measured, by a timer for
 * each packet; between two processes there is no line to find the rate of, and those timers cost more than the sending. Connections from
 * other hosts keep what the system says (`net.ipv4.tcp_congestion_control`), and a system that says anything else is left alone.
 */
export function sparePacing(server: Server, calls: ZeroCopy): void {
  const listening = findDescriptor(server);
  const usual = listening === undefined ? undefined : calls.congestionControl(listening);
  // Only a connection that begins without BBR does without its timers, so those from elsewhere are given it back.
  if (listening === undefined || !usual?.startsWith('bbr') || !calls.setCongestionControl(listening, unpaced)) return;
  server.prependListener('connection', (socket: Socket) => {
    const descriptor = isSameHost(socket) ? undefined : findDescriptor(socket);
    if (descriptor !== undefined) calls.setCongestionControl(descriptor, usual);
  });
}

function isSameHost({ localAddress, remoteAddress }: Socket): boolean {
  return localAddress !== undefined && localAddress === remoteAddress;
}
