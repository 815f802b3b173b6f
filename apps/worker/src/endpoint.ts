import type { networkInterfaces } from 'node:os';
import { BerthError } from '@berth/contracts';
import type { Endpoint } from '@berth/collectives';

/** Reads `host:port`; undefined when nothing is given. @throws BerthError `CONFIG_INVALID` */
export function parseEndpoint(text: string | undefined): Endpoint | undefined {
  if (text === undefined) return undefined;
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new BerthError(
      'CONFIG_INVALID',
      `BERTH_PEER_ADVERTISE is "${text}"; write host:port, where peers reach this worker`,
    );
  return { host, port: Number(port) };
}

/**
 * Where peers dial a worker that listens on `address`: for one that listens everywhere, as in a container, the first
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
