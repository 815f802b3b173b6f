import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';

/** All addresses of this machine are one client: whoever has one has them all. */
export const thisMachine = 'this machine';

/** Who asks, as far as limits go: an IPv4 address, or the network of an IPv6 address, of which one client has all. */
export function clientOf(context: Context): string {
  const hasSocket = typeof context.env === 'object' && 'incoming' in context.env;
  return clientAt(hasSocket ? (getConnInfo(context).remote.address ?? '') : '');
}

/** @param address - as Node writes it: IPv4, IPv6, or IPv4 within IPv6 */
export function clientAt(address: string): string {
  const ipv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (ipv4 !== undefined) return ipv4.startsWith('127.') ? thisMachine : ipv4;
  if (address === '::1') return thisMachine;
  const [head = [], tail = []] = address
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}
