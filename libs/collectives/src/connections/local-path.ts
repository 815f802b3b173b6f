import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';

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

/**
 * Whether members of one machine reduce faster over local sockets, measured: where members share processors it is their time that
 * counts; where each has its own it is what is under way, and local sockets hold less (208 KiB) than TCP.
 * @param numMembers - of the view, wherever they are: one that is elsewhere refuses at once
 */
export function localSocketsPay(numMembers: number): boolean {
  return numMembers > availableParallelism();
}
