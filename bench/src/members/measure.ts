import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRun, type RedisConnection } from '@berth/queue';
import { cpuSecondsOf } from '../data/process-use.ts';

/** What processes and Redis had done by a moment. */
interface Reading {
  readonly atMs: number;
  readonly numCommitted: number;
  /** By clients and in scripts. */
  readonly numCommands: number;
  readonly redisCpuMs: number;
  /** In the order of the coordinators. */
  readonly coordinatorCpuMs: readonly number[];
}

export interface Scene {
  readonly connection: RedisConnection;
  readonly runId: string;
  readonly coordinators: readonly ChildProcess[];
}

type Client = RedisConnection['client'];

/** Calls of each command since Redis began, those of scripts with them. */
export async function commandsOf(client: Client): Promise<Record<string, number>> {
  const stats = await client.info('commandstats');
  return Object.fromEntries(
    [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name, calls]) => [
      name,
      Number(calls),
    ]),
  ) as Record<string, number>;
}

/** Processor time of Redis so far. */
export async function cpuMsOf(client: Client): Promise<number> {
  const cpu = await client.info('cpu');
  const field = (name: string): number =>
    1_000 * Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(cpu)?.[1]);
  return field('used_cpu_user') + field('used_cpu_sys');
}

async function read({ connection, runId, coordinators }: Scene): Promise<Reading> {
  const { client } = connection;
  const commands = await commandsOf(client);
  return {
    atMs: performance.now(),
    numCommitted: await openRun(connection, runId).ledger.numCommitted(),
    numCommands: Object.values(commands).reduce((sum, calls) => sum + calls, 0),
    redisCpuMs: await cpuMsOf(client),
    coordinatorCpuMs: coordinators.map(({ pid = 0 }) => 1_000 * cpuSecondsOf(pid)),
  };
}

/** What was done in a while. */
export interface Span {
  readonly seconds: number;
  readonly numSteps: number;
  readonly numCommands: number;
  readonly redisCpuMs: number;
  readonly coordinatorCpuMs: readonly number[];
}

export async function span(scene: Scene, seconds: number): Promise<Span> {
  const before = await read(scene);
  await sleep(1_000 * seconds);
  const after = await read(scene);
  return {
    seconds: (after.atMs - before.atMs) / 1_000,
    numSteps: after.numCommitted - before.numCommitted,
    numCommands: after.numCommands - before.numCommands,
    redisCpuMs: after.redisCpuMs - before.redisCpuMs,
    coordinatorCpuMs: after.coordinatorCpuMs.map(
      (ms, index) => ms - before.coordinatorCpuMs[index]!,
    ),
  };
}

/** The power of the number of members that a cost grows with, from the smallest to the largest: 1 is linear. */
export function powerOf(points: readonly (readonly [numMembers: number, cost: number])[]): number {
  const [[n0, c0], [n1, c1]] = [points[0] ?? [0, 0], points.at(-1) ?? [0, 0]];
  return Math.log(c1 / c0) / Math.log(n1 / n0);
}
