import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireOwnNetwork } from './own-network.ts';

export interface HostsOptions {
  /** Besides the center, which this process is on. */
  readonly numHosts: number;
  /** What each host sends and receives at most. */
  readonly bitsPerSecond: number;
  /** From one host to another, one way. */
  readonly delayMs: number;
}

/** A machine as the network sees it: a namespace with an interface of its own. */
export interface Host {
  readonly name: string;
  readonly address: string;
  /** The command that runs a program on it. */
  command(program: string, args: readonly string[]): [program: string, args: string[]];
}

/** Hosts around a router that delays, and drops what it is told to. */
export interface Hosts {
  /** Where this process runs. */
  readonly center: Pick<Host, 'name' | 'address'>;
  readonly hosts: readonly Host[];
  /** Sets what a host sends and receives at most. */
  limit(host: Host, bitsPerSecond: number): void;
  /** Loses this part of what a host sends, or of what is sent to it. @returns what ends it */
  lose(host: Host, direction: 'sent' | 'received', probability: number): () => void;
  /** Nothing gets through, and nobody is told. @returns what ends it */
  partition(host: Host): () => void;
  /** It can dial, and cannot be dialled, as behind a NAT. @returns what ends it */
  refuseDials(host: Host): () => void;
  /** Takes the cable out. @returns what puts it back */
  unplug(host: Host): () => void;
}

const wire = 'wire';
const delayProgram = fileURLToPath(new URL('../../src/hosts/delay.c', import.meta.url));
const delayStartMs = 30_000;

/**
 * Makes hosts. They last as long as this process.
 * @throws Error if this process is not in a network of its own (`inOwnNetwork`), or a command fails
 */
export async function createHosts(options: HostsOptions): Promise<Hosts> {
  requireOwnNetwork();
  // Where `ip` has its names: this process's mount namespace alone sees these.
  mkdirSync('/run/netns', { recursive: true });
  run('mount', '-t', 'tmpfs', 'tmpfs', '/run/netns');
  run('ip', 'netns', 'add', wire);
  on(wire, 'ip', 'link', 'set', 'lo', 'up');
  on(wire, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  run('ip', 'link', 'set', 'lo', 'up');

  const center = connect(undefined, 0, options);
  const hosts = Array.from({ length: options.numHosts }, (_, index) => {
    const name = `host-${index + 1}`;
    run('ip', 'netns', 'add', name);
    return connect(name, index + 1, options);
  });
  if (options.delayMs > 0) await startDelay(options.delayMs);

  const drop = (...match: readonly string[]): (() => void) => {
    const rule = ['FORWARD', ...match, '-j', 'DROP'];
    on(wire, 'iptables', '-w', '-I', ...rule);
    return () => on(wire, 'iptables', '-w', '-D', ...rule);
  };
  const from = (host: Host): string[] => ['-i', portOf(host)];
  const to = (host: Host): string[] => ['-o', portOf(host)];
  return {
    center,
    hosts,
    limit(host, bitsPerSecond) {
      shape('replace', host.name, 'eth0', bitsPerSecond);
      shape('replace', wire, portOf(host), bitsPerSecond);
    },
    lose(host, direction, probability) {
      const which = direction === 'sent' ? from(host) : to(host);
      const chance = ['--mode', 'random', '--probability', String(probability)];
      return drop(...which, '-m', 'statistic', ...chance);
    },
    partition(host) {
      const ends = [drop(...from(host)), drop(...to(host))];
      return () => ends.forEach((end) => end());
    },
    refuseDials: (host) => drop(...to(host), '-p', 'tcp', '--syn'),
    unplug(host) {
      on(wire, 'ip', 'link', 'set', portOf(host), 'down');
      return () => on(wire, 'ip', 'link', 'set', portOf(host), 'up');
    },
  };
}

/** A cable from a namespace, or from this one, to the router. */
function connect(
  namespace: string | undefined,
  number: number,
  { bitsPerSecond }: HostsOptions,
): Host {
  const name = namespace ?? 'center';
  const port = portOf({ name });
  const there = namespace ?? String(process.pid);
  const address = `10.77.${number}.2`;
  on(wire, 'ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', there);
  on(wire, 'ip', 'addr', 'add', `10.77.${number}.1/24`, 'dev', port);
  on(wire, 'ip', 'link', 'set', port, 'up');
  on(namespace, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0');
  on(namespace, 'ip', 'link', 'set', 'lo', 'up');
  on(namespace, 'ip', 'link', 'set', 'eth0', 'up');
  on(namespace, 'ip', 'route', 'add', 'default', 'via', `10.77.${number}.1`);
  shape('add', namespace, 'eth0', bitsPerSecond);
  shape('add', wire, port, bitsPerSecond);
  return {
    name,
    address,
    command: (program, args) => inNamespace(namespace, program, args),
  };
}

/** What the router calls its interface to a host. */
function portOf({ name }: Pick<Host, 'name'>): string {
  return `to-${name}`;
}

function shape(
  verb: 'add' | 'replace',
  namespace: string | undefined,
  device: string,
  bitsPerSecond: number,
): void {
  // At least two milliseconds' worth, or a timer of the kernel that comes late costs bandwidth.
  const burstBytes = Math.round(Math.max(16_384, (bitsPerSecond / 8) * 0.002));
  const bucket = ['rate', `${bitsPerSecond}bit`, 'burst', String(burstBytes), 'latency', '50ms'];
  on(namespace, 'tc', 'qdisc', verb, 'dev', device, 'root', 'tbf', ...bucket);
}

/** Not every kernel has netem: packets wait in a queue of netfilter. */
async function startDelay(delayMs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-delay-'));
  const program = join(folder, 'delay');
  run('gcc', '-O2', '-o', program, delayProgram);
  const queue = '0';
  on(wire, 'iptables', '-w', '-A', 'FORWARD', '-j', 'NFQUEUE', '--queue-num', queue);
  const [command, args] = inNamespace(wire, program, [queue, String(Math.round(delayMs * 1000))]);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(() => {
    throw new Error('what delays packets has ended');
  });
  ended.catch(() => undefined);
  const ready = once(child.stdout, 'data', { signal: AbortSignal.timeout(delayStartMs) });
  try {
    await Promise.race([ready, ended]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  child.stdout.destroy();
  child.unref();
}

function inNamespace(
  namespace: string | undefined,
  program: string,
  args: readonly string[],
): [string, string[]] {
  return namespace === undefined
    ? [program, [...args]]
    : ['ip', ['netns', 'exec', namespace, program, ...args]];
}

function on(namespace: string | undefined, program: string, ...args: readonly string[]): void {
  const [command, all] = inNamespace(namespace, program, args);
  run(command, ...all);
}

function run(program: string, ...args: readonly string[]): void {
  try {
    execFileSync(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 60_000,
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim();
    throw new Error(`${[program, ...args].join(' ')}: ${said}`, { cause: error });
  }
}
