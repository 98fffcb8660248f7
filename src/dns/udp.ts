import { createSocket, type Socket } from 'node:dgram';
import { findIpFamily } from '../core/ip.ts';

/** Answers one message; undefined: say nothing. */
export type Responder = (message: Buffer, transport: 'udp' | 'tcp') => Buffer | undefined;

/** Binds a UDP socket that answers each datagram. Rejects with Node's error where it cannot listen. */
export function listenUdp(address: string, port: number, responder: Responder): Promise<Socket> {
  const six = findIpFamily(address) === 6;
  const socket = createSocket(six ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
  socket.on('message', (message, peer) => {
    const response = responder(message, 'udp');
    // Port 0 cannot be answered; other failures of one datagram (no route, full buffer) are the client's time-out.
    if (response && peer.port !== 0) socket.send(response, peer.port, peer.address, () => {});
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
