import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { networkInterfaces } from 'node:os';
import { join } from 'node:path';

/**
 * The speed, in bits a second, of the link that holds the first of these addresses which this machine has; undefined where the kernel
 * knows none. One that is only made up counts as unknown, as a container's, which says 10 Gbit/s whatever carries its packets.
 * @param folder - where the kernel describes interfaces
 */
export function linkSpeed(
  hosts: readonly string[],
  interfaces: ReturnType<typeof networkInterfaces>,
  folder = '/sys/class/net',
): number | undefined {
  const entries = Object.entries(interfaces);
  for (const host of hosts) {
    const address = host.replace(/^\[(.*)\]$/, '$1');
    const found = entries.find(([, own]) => own?.some((entry) => entry.address === address));
    // `eth0:1` is another address of eth0.
    const [name] = found?.[0].split(':') ?? [];
    if (name !== undefined) return speedOf(join(folder, name));
  }
  return undefined;
}

/** Of a device or a bond what it says; of a VLAN or a bridge that of the fastest device below. */
function speedOf(folder: string): number | undefined {
  const isReal = ['device', 'bonding'].some((name) => existsSync(join(folder, name)));
  if (isReal) return spoken(folder);
  const speeds = below(folder).flatMap((name) => speedOf(join(folder, name)) ?? []);
  return speeds.length === 0 ? undefined : Math.max(...speeds);
}

/** A driver that knows none says -1, or lets nobody read it. */
function spoken(folder: string): number | undefined {
  try {
    const mbitPerSecond = Number(readFileSync(join(folder, 'speed'), 'utf8'));
    return mbitPerSecond > 0 ? mbitPerSecond * 1e6 : undefined;
  } catch {
    return undefined;
  }
}

function below(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith('lower_'));
  } catch {
    return [];
  }
}
