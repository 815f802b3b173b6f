import type { networkInterfaces } from 'node:os';
import type { Endpoint } from './byte-source.ts';

/**
 * Where others dial a process that listens on `address`: for one that listens everywhere, as in a container, the first
 * address of this machine that is not loopback.
 */
export function reachableAt(
  address: Endpoint,
  interfaces: ReturnType<typeof networkInterfaces>,
): Endpoint {
  if (address.host !== '0.0.0.0' && address.host !== '::') return address;
  const own = Object.values(interfaces)
    .flatMap((entries) => entries ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  return { host: own?.address ?? '127.0.0.1', port: address.port };
}
