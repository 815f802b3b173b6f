import { createHash } from 'node:crypto';

/** Where a member listens for members on its own machine, besides its port. */
export interface LocalEndpoint {
  readonly path: string;
}

/**
 * The abstract Unix socket that belongs to a member's port: less processor time than loopback TCP. Abstract names are those of one
 * network namespace, so whoever dials one that is not on this machine is refused at once. A member behind a proxy has another port
 * in its peers' eyes, and so is not bypassed.
 * @returns undefined where the system has no abstract names
 */
export function localPathOf(memberId: string, port: number): LocalEndpoint | undefined {
  if (process.platform !== 'linux') return undefined;
  const name = createHash('sha256').update(`${memberId}:${port}`).digest('hex').slice(0, 32);
  return { path: `\0berth-${name}` };
}
