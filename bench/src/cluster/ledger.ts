import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { planShards, uploadShards, weightsDigest, writeManifest } from '@berth/checkpoint';
import {
  environmentOfServices,
  parseRunConfig,
  sha256Hex,
  silentLogger,
  trainingHash,
  type ObjectStore,
  type ParameterSpec,
  type RunConfig,
  type Services,
} from '@berth/contracts';
import { openRun, type RedisConnection } from '@berth/queue';
import type { WorkerReport } from './ledger-worker.ts';
import type { LoopReport } from './loop-delay.ts';
import { startCoordinator } from '../coordinator.ts';
import { commonOptions, text } from '../options.ts';
import { ownProgram, startProgram } from '../program.ts';
import { residentMb } from '../resident-mb.ts';
import { startBenchServices } from '../services.ts';
import { lineOf, storeLedger } from './synthetic-ledger.ts';
import { createRunRecord, numerics } from './synthetic-run.ts';

const help = `berth bench ledger: whether a long ledger comes back after Redis has lost it, with a standby present
  --steps N     steps of the run (1000000)
  --members N   members whose names each entry has (8)
  --minutes N   longest time for the restore (60)
  --json
Exits with 1 when the restore does not end, or the lease was lost meanwhile.`;

const { values } = parseArgs({
  options: {
    steps: text('1000000'),
    members: text('8'),
    minutes: text('60'),
    ...commonOptions,
  },
});

const runId = 'long';
const globalBatch = 256;
const layout: readonly ParameterSpec[] = [
  { name: 'kernel', shape: [256, 1_024], offset: 0, size: 262_144, decayed: true },
];

interface Report {
  readonly steps: number;
  readonly members: number;
  readonly ended: boolean;
  readonly restoreSeconds: number;
  /** Times that the lease changed hands or its epoch, after the first coordinator had it again. */
  readonly leaseLosses: number;
  readonly coordinator: LoopReport & { readonly residentMb: number };
  readonly redisBytesPerStep: number;
  readonly manifestBytes: number;
  readonly worker: WorkerReport;
  readonly verify: { readonly ok: boolean; readonly seconds: number; readonly peakMb: number };
}

/** Stores the checkpoint that a run of so many steps would have left. @returns bytes of its manifest */
async function storeCheckpoint(
  store: ObjectStore,
  config: RunConfig,
  setting: { readonly numSteps: number; readonly numMembers: number; readonly startedAtMs: number },
): Promise<number> {
  const { numSteps: step, numMembers, startedAtMs } = setting;
  const memberIds = Array.from(
    { length: numMembers },
    (_, index) => `worker-${index}-${sha256Hex(`member ${index}`).slice(0, 8)}`,
  );
  const ledger = { runId, numSteps: step, globalBatch, memberIds, startedAtMs };
  const { segments, head } = await storeLedger(store, ledger);
  const vector = (): Float32Array => new Float32Array(262_144).fill(0.5);
  const state = { step, weights: vector(), firstMoments: vector(), secondMoments: vector() };
  const manifest = {
    format: 'berth-checkpoint/2' as const,
    runId,
    step,
    cursor: { epoch: 0, index: globalBatch * step },
    seed: config.seed,
    trainingHash: trainingHash(config),
    datasetId: sha256Hex('dataset'),
    exampleSetId: 'bench',
    numerics,
    fencingEpoch: 1,
    ledgerHead: head,
    ledger: segments,
    weightsDigest: await weightsDigest(state.weights),
    model: {},
    shards: await uploadShards(store, lineOf(runId), planShards(layout, 64 << 20), state),
    createdAtMs: Date.now(),
  };
  await writeManifest(store, 1, manifest, silentLogger);
  return JSON.stringify(manifest, null, 2).length;
}

async function loopReport(child: ChildProcess): Promise<LoopReport> {
  const answer = once(child, 'message');
  child.send('report');
  return ((await answer) as [LoopReport])[0];
}

/** Waits until the ledger has all its steps. @returns the terms of the lease that were seen */
async function watchRestore(
  connection: RedisConnection,
  numSteps: number,
  timeoutMs: number,
): Promise<{ ended: boolean; terms: ReadonlySet<string> }> {
  const deadlineMs = performance.now() + timeoutMs;
  const terms = new Set<string>();
  while (performance.now() < deadlineMs) {
    const [holder, epoch] = await connection.client.hmget('berth:lease', 'holder', 'epoch');
    if (typeof holder === 'string') terms.add(`${holder} ${epoch}`);
    if ((await openRun(connection, runId).ledger.numCommitted()) >= numSteps)
      return { ended: true, terms };
    await sleep(50);
  }
  return { ended: false, terms };
}

async function waitFor(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(20);
}

/** `berth ledger verify` in a process of its own. */
async function verify(services: Services): Promise<Report['verify']> {
  const entry = fileURLToPath(import.meta.resolve('@berth/cli/main'));
  const startMs = performance.now();
  const child = spawn(process.execPath, [entry, 'ledger', 'verify', runId], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...environmentOfServices(services) },
  });
  let peakMb = 0;
  const sampling = setInterval(() => {
    peakMb = Math.max(peakMb, residentMb(child, 'VmHWM'));
  }, 100);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(sampling);
  return { ok: code === 0, seconds: (performance.now() - startMs) / 1e3, peakMb };
}

async function usedBytes({ client }: RedisConnection): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
}

async function measure(numSteps: number, numMembers: number, timeoutMs: number): Promise<Report> {
  const bench = await startBenchServices();
  const { services, store, connection } = bench;
  const preload = new URL('./loop-delay.js', import.meta.url).href;
  const coordinators: ChildProcess[] = [];
  try {
    const train = { numSteps: 2 * numSteps, globalBatch };
    const config = parseRunConfig({ name: runId, corpus: { path: '/text' }, train }, 'benchmark');
    const startedAtMs = Date.now() - 100 * numSteps;
    const setting = { numSteps, numMembers, startedAtMs };
    const manifestBytes = await storeCheckpoint(store, config, setting);
    const workerSetting = JSON.stringify({ s3: services.s3, runId, layout });
    const program = fileURLToPath(new URL('./ledger-worker.js', import.meta.url));
    const worker = startProgram(process.execPath, ownProgram(program, [workerSetting]));
    const workerReport = (await worker.ask()) as unknown as WorkerReport;

    await createRunRecord(connection, store, config, startedAtMs);
    for (const _ of ['leader', 'standby'])
      coordinators.push((await startCoordinator(services, { preload })).child);
    const { ledger } = openRun(connection, runId);
    await waitFor(async () => (await ledger.numCommitted()) > 0);
    await waitFor(async () => (await store.head(`run-records/${runId}.json`)) !== undefined);
    await connection.client.flushall();
    const emptyBytes = await usedBytes(connection);
    for (const coordinator of coordinators) coordinator.send('reset');
    const startMs = performance.now();
    const { ended, terms } = await watchRestore(connection, numSteps, timeoutMs);
    const restoreSeconds = (performance.now() - startMs) / 1e3;
    const redisBytesPerStep = ((await usedBytes(connection)) - emptyBytes) / numSteps;
    const reports = await Promise.all(
      coordinators.map(async (child) => ({
        ...(await loopReport(child)),
        residentMb: residentMb(child, 'VmHWM'),
      })),
    );
    const [coordinator] = reports.sort((a, b) => b.cpuSeconds - a.cpuSeconds);
    if (coordinator === undefined) throw new Error('no coordinator');
    return {
      steps: numSteps,
      members: numMembers,
      ended,
      restoreSeconds,
      leaseLosses: terms.size - 1,
      coordinator,
      redisBytesPerStep,
      manifestBytes,
      worker: workerReport,
      verify: await verify(services),
    };
  } finally {
    for (const child of coordinators) child.kill('SIGTERM');
    await bench.close();
  }
}

function describe(report: Report): string {
  const { steps, members, ended, restoreSeconds, leaseLosses, coordinator, worker } = report;
  const { redisBytesPerStep, manifestBytes, verify: verified } = report;
  const [cpu] = cpus();
  return [
    `a ledger of ${steps} steps with ${members} members; ${cpus().length} x ${cpu?.model.trim()}`,
    `restore with a standby present: ${ended ? `${restoreSeconds.toFixed(1)} s` : 'did not end'}, ` +
      `lease lost ${leaseLosses} times`,
    `  coordinator   ${coordinator.cpuSeconds.toFixed(1)} s of CPU, event loop held up ` +
      `${coordinator.longestBlockMs.toFixed(0)} ms at most (${coordinator.longestBlockCpuMs.toFixed(0)} ms of CPU), ` +
      `${coordinator.residentMb.toFixed(0)} MB at most`,
    `  Redis         ${redisBytesPerStep.toFixed(0)} bytes a step`,
    `  manifest      ${(manifestBytes / 1_024).toFixed(0)} KiB`,
    `a worker loads the checkpoint: ${worker.cpuSeconds.toFixed(2)} s of CPU, heap +${worker.heapPeakMb.toFixed(0)} MB`,
    `berth ledger verify: ${verified.ok ? 'ok' : 'failed'} after ${verified.seconds.toFixed(1)} s, ` +
      `${verified.peakMb.toFixed(0)} MB at most`,
  ].join('\n');
}

if (values.help) console.log(help);
else {
  const timeoutMs = Number(values.minutes) * 60_000;
  const report = await measure(Number(values.steps), Number(values.members), timeoutMs);
  console.log(values.json ? JSON.stringify(report) : describe(report));
  process.exit(report.ended && report.leaseLosses === 0 && report.verify.ok ? 0 : 1);
}
