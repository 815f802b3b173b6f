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
