import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

/** What hosts are made with, and the Debian package that has it. */
const programs = {
  unshare: 'util-linux',
  ip: 'iproute2',
  tc: 'iproute2',
  iptables: 'iptables',
  gcc: 'gcc',
};

/** Root has its own network by right, others by being root of a user namespace, where the kernel allows that. */
const flags = [
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
];

/**
 * The command that runs Node in a network of its own, in which nothing is but loopback, and in a space of processes of its own: when
 * it ends, however it ends, the kernel ends all that it has started and takes the network away.
 * @param args - of Node
 */
export function inOwnNetwork(args: readonly string[]): [program: string, args: string[]] {
  return ['unshare', [...flags, '--', process.execPath, ...args]];
}

/** Why this machine cannot have `createHosts`, in one line; undefined if it can. */
export function whyNoHosts(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux';
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  for (const [program, package_] of Object.entries(programs))
    if (!folders.some((folder) => existsSync(join(folder, program))))
      return `${program} is not installed (Debian: apt-get install ${package_})`;
  const [program, args] = inOwnNetwork(['--eval', '']);
  try {
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 60_000 });
    return undefined;
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim();
    return `no network namespace can be made, which takes root or user namespaces: ${said}`;
  }
}

/** @throws Error if this process is not in a network of its own */
export function requireOwnNetwork(): void {
  const [other] = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
  if (other !== undefined)
    throw new Error(
      `hosts are made in a network of their own (inOwnNetwork), and here is ${other}`,
    );
}
