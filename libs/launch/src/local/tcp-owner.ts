import { readFileSync } from 'node:fs';

const states = { established: '01', listening: '0A' };

/**
 * The user whose process has a port of 127.0.0.1, or of all addresses, as the kernel knows it.
 * @param isListening - of a server; otherwise an end of a connection
 * @returns its user id; undefined when nobody has it, or the system does not tell
 */
export function tcpOwner({
  port,
  isListening,
}: {
  readonly port: number;
  readonly isListening: boolean;
}): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const locals = [`0100007F${suffix}`, `00000000${suffix}`];
  const state = isListening ? states.listening : states.established;
  try {
    for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
      // sl, local, remote, state, queues, timer, retransmits, uid
      const [, address, , found, , , , uid] = line.trim().split(/\s+/);
      if (address !== undefined && locals.includes(address) && found === state) return Number(uid);
    }
  } catch {
    // Not Linux.
  }
  return undefined;
}
