import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parseRunConfig } from '@berth/contracts';
import { createExampleIndex, openRun } from '@berth/queue';
import { createRunRecord } from '../cluster/synthetic-run.ts';
import { startCoordinator } from '../coordinator.ts';
import { commonOptions, countOf, text } from '../options.ts';
import { residentMb } from '../resident-mb.ts';
import { startBenchServices, type BenchServices } from '../services.ts';
import { summarize } from '../summary.ts';
import { Crew, numDyingTogether, threadsOf } from './crew.ts';
import { powerOf, span, type Scene } from './measure.ts';
import { voteCost, type VoteCost } from './votes.ts';

const help = `berth bench members: what members cost the coordinator and Redis, and how long a change of members takes
  --members LIST  how many (2,8,16,32,64)
  --seconds N     of training and of rest that are measured (10)
  --rounds N      changes of each kind (3)
  --json
Coordinators, Redis, connections, votes and heartbeats are real; members compute nothing and are in threads of this process.`;

const { values } = parseArgs({
  options: {
    members: text('2,8,16,32,64'),
    seconds: text('10'),
    rounds: text('3'),
    ...commonOptions,
  },
});

const runId = 'many';
const virtualRanks = 64;
const patienceMs = 300_000;

interface Row {
  readonly numMembers: number;
  readonly stepMs: number;
  readonly votes: VoteCost;
  /** While members hold a step: heartbeats, looks, queues. By clients and in scripts. */
  readonly commandsPerSecond: number;
  readonly redisCpuMsPerSecond: number;
  /** Of the coordinator that leads, while members train. */
  readonly leaderCpuMsPerSecond: number;
  readonly standbyCpuMsPerSecond: number;
  readonly leaderMb: number;
  /** From the heartbeat with which a member stands by to the first step that it took part in; medians. */
  readonly joinMs: number;
  /** From a death to the first step without the dead. */
  readonly dieMs: number;
  /** Null with fewer than twice as many members. */
  readonly dieTogetherMs: number | null;
}

/** When the first step was committed by these members and nobody else, from a moment on. */
async function committedBy(
  { connection }: BenchServices,
  memberIds: ReadonlySet<string>,
  sinceMs: number,
): Promise<number> {
  const { ledger } = openRun(connection, runId);
  const deadlineMs = performance.now() + patienceMs;
  while (performance.now() < deadlineMs) {
    const newest = await ledger.entry(-1);
    if (
      newest?.members.length === memberIds.size &&
      newest.members.every((id) => memberIds.has(id))
    )
      return newest.committedAtMs - sinceMs;
    await sleep(5);
  }
  throw new Error(`no step of ${memberIds.size} members within ${patienceMs} ms`);
}

async function measure(numMembers: number, seconds: number, rounds: number): Promise<Row> {
  const votes = await voteCost(numMembers);
  const bench = await startBenchServices();
  const { services, store, connection } = bench;
  const coordinators: ChildProcess[] = [];
  const config = parseRunConfig(
    {
      name: runId,
      corpus: { path: '/text', heldOutRatio: 0 },
      train: {
        numSteps: 10_000_000,
        virtualRanks,
        globalBatch: virtualRanks,
        checkpointEverySteps: 10_000_000,
        evalEverySteps: 0,
      },
      cluster: { numWorkers: numMembers },
    },
    'benchmark',
  );
  const crew = new Crew({
    redisUrl: services.redisUrl,
    secret: randomBytes(16).toString('hex'),
    runId,
    config,
  });
  try {
    await createRunRecord(connection, store, config, Date.now());
    await noteExamples(bench);
    for (const _ of ['leader', 'standby'])
      coordinators.push((await startCoordinator(services)).child);
    for (const count of threadsOf(numMembers)) await crew.add(count);
    const settled = (sinceMs: number): Promise<number> =>
      committedBy(bench, crew.memberIds, sinceMs);
    await settled(0);

    const scene: Scene = { connection, runId, coordinators };
    const training = await span(scene, seconds);
    crew.pace('rest');
    await sleep(1_000);
    const rest = await span(scene, seconds);
    crew.pace('train');
    await settled(0);

    const joins: number[] = [];
    const deaths: number[] = [];
    const deathsTogether: number[] = [];
    for (let round = 0; round < rounds; round++) {
      deaths.push(await settled(await crew.kill(1)));
      joins.push(await settled(await crew.add(1)));
      if (numMembers < 2 * numDyingTogether) continue;
      deathsTogether.push(await settled(await crew.kill(numDyingTogether)));
      await crew.add(numDyingTogether);
      await settled(0);
    }
    const leader = training.coordinatorCpuMs.indexOf(Math.max(...training.coordinatorCpuMs));
    return {
      numMembers,
      stepMs: (1_000 * training.seconds) / training.numSteps,
      votes,
      commandsPerSecond: rest.numCommands / rest.seconds,
      redisCpuMsPerSecond: rest.redisCpuMs / rest.seconds,
      leaderCpuMsPerSecond: training.coordinatorCpuMs[leader]! / training.seconds,
      standbyCpuMsPerSecond: training.coordinatorCpuMs[1 - leader]! / training.seconds,
      leaderMb: residentMb(coordinators[leader]!, 'VmHWM'),
      joinMs: summarize(joins).median,
      dieMs: summarize(deaths).median,
      dieTogetherMs: deathsTogether.length === 0 ? null : summarize(deathsTogether).median,
    };
  } finally {
    await crew.killAll();
    for (const child of coordinators) child.kill('SIGTERM');
    await Promise.all(coordinators.map((child) => once(child, 'exit')));
    await bench.close();
  }
}

/** All examples that there will be are made: the coordinator asks nobody for any. */
async function noteExamples({ connection }: BenchServices): Promise<void> {
  const index = createExampleIndex(connection, 'bench');
  for (const split of ['train', 'heldOut'] as const)
    for (let epoch = 0; epoch < 2; epoch++)
      await index.put({
        split,
        epoch,
        shard: 0,
        key: `examples/bench/${split}-${epoch}`,
        numExamples: 1_000_000_000,
        numTokens: 1,
        numPredictions: 1,
        sizeBytes: 1,
        sha256: '0'.repeat(64),
      });
}

function describe(rows: readonly Row[]): string {
  const cell = (value: string, width = 12): string => value.padStart(width);
  const ms = (value: number, digits = 0): string => cell(`${value.toFixed(digits)} ms`);
  const lines = rows.map(
    (row) =>
      cell(String(row.numMembers), 7) +
      cell(row.votes.commands.toFixed(0)) +
      ms(row.votes.redisCpuMs, 1) +
      cell(row.commandsPerSecond.toFixed(0)) +
      ms(row.redisCpuMsPerSecond) +
      ms(row.leaderCpuMsPerSecond) +
      ms(row.standbyCpuMsPerSecond) +
      cell(`${row.leaderMb.toFixed(0)} MB`) +
      ms(row.stepMs) +
      ms(row.joinMs) +
      ms(row.dieMs) +
      (row.dieTogetherMs === null ? cell('-') : ms(row.dieTogetherMs)),
  );
  const heads: readonly (readonly [string, string])[] = [
    ['votes', 'a step'],
    ['Redis', 'a step'],
    ['commands', 'a second'],
    ['Redis', 'a second'],
    ['leader', 'a second'],
    ['standby', 'a second'],
    ['leader', ''],
    ['a step', ''],
    ['one joins', ''],
    ['one dies', ''],
    [`${numDyingTogether} die`, ''],
  ];
  const power = (of: (row: Row) => number): string =>
    powerOf(rows.map((row) => [row.numMembers, of(row)])).toFixed(2);
  const [cpu] = cpus();
  const growth =
    rows.length < 2
      ? []
      : [
          `power of the members that costs grow with: votes ${power(({ votes }) => votes.commands)} ` +
            `(Redis ${power(({ votes }) => votes.redisCpuMs)}), a second ${power((row) => row.commandsPerSecond)} ` +
            `(Redis ${power((row) => row.redisCpuMsPerSecond)}), leader ${power((row) => row.leaderCpuMsPerSecond)}`,
        ];
  return [
    `${cpus().length} x ${cpu?.model.trim()}, load ${loadavg()[0]?.toFixed(0)}; times of processors but for the last four`,
    cell('members', 7) + heads.map(([head]) => cell(head)).join(''),
    cell('', 7) + heads.map(([, unit]) => cell(unit)).join(''),
    ...lines,
    ...growth,
  ].join('\n');
}

if (values.help) console.log(help);
else {
  const rows: Row[] = [];
  for (const count of values.members.split(','))
    rows.push(
      await measure(
        countOf('members', count),
        countOf('seconds', values.seconds),
        countOf('rounds', values.rounds),
      ),
    );
  console.log(values.json ? JSON.stringify(rows) : describe(rows));
  process.exit();
}
