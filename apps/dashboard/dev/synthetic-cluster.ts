import {
  BerthError,
  parseRunConfig,
  type ApiEvent,
  type ClusterReport,
  type Control,
  type DrainReport,
  type ExtensionReport,
  type ExtensionRequest,
  type FineTuningReport,
  type JobReport,
  type LogLine,
  type LogPage,
  type LogQuery,
  type QueueReport,
  type RemovalReport,
  type RunStatusReport,
  type WorkerReport,
} from '@berth/contracts';
import { decideExtension, extensionReport, refusalText } from '@berth/protocol';
import { madeUpReport } from './fine-tuning/made-up-report.ts';
import { makeRuns } from './scenario.ts';
import { SyntheticRun } from './synthetic-run.ts';

type Listener = (id: number, event: ApiEvent) => void;

const tickMs = 250;
const idleWorkers = 4;

export interface ClusterOptions {
  /** Without any run. */
  readonly isEmpty?: boolean;
  /** Without the run of 100,000 steps. */
  readonly isSmall?: boolean;
  readonly needsToken?: boolean;
}

/** A made-up cluster behind the real API. */
export class SyntheticCluster {
  readonly runs: SyntheticRun[];
  readonly needsToken: boolean;
  jobs: JobReport[] = failedJobs();
  #listeners = new Set<Listener>();
  #numEvents = 0;
  #timer: ReturnType<typeof setInterval>;

  constructor({ isEmpty = false, isSmall = false, needsToken = false }: ClusterOptions = {}) {
    this.needsToken = needsToken;
    this.runs = isEmpty ? [] : makeRuns((event) => this.#emit(event), { isSmall });
    for (const run of this.runs) greet(run);
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  find(runId: string): SyntheticRun {
    const run = this.runs.find((candidate) => candidate.runId === runId);
    if (run === undefined) throw new BerthError('RUN_NOT_FOUND', `No run ${runId}`);
    return run;
  }

  remove(runId: string): RemovalReport {
    const run = this.find(runId);
    this.runs.splice(this.runs.indexOf(run), 1);
    this.#emit({ type: 'removed', runId });
    return { ...this.removal(run), parts: [], isDone: true };
  }

  removal(run: SyntheticRun): RemovalReport {
    const { status } = run.report().run;
    const sizeBytes = run.checkpoints.all.reduce(
      (sum, checkpoint) => sum + checkpoint.sizeBytes,
      0,
    );
    const numObjects = run.checkpoints.all.length;
    const parts = [{ name: 'checkpoints' as const, numObjects, sizeBytes }];
    return { runId: run.runId, status, isDone: false, parts, kept: ['dataset: demo may use it'] };
  }

  submit(config: unknown): RunStatusReport {
    const parsed = parseRunConfig(config, 'request');
    const run = new SyntheticRun({
      config: parsed,
      status: 'starting',
      reason: `Waiting for ${parsed.cluster.numWorkers} workers: they load TensorFlow`,
      step: 0,
      numWorkers: 0,
      stepMs: 300,
      halfLife: Math.max(30, parsed.train.numSteps / 5),
      createdAtMs: Date.now(),
      emit: (event) => this.#emit(event),
    });
    this.runs.unshift(run);
    setTimeout(() => {
      for (let i = 0; i < parsed.cluster.numWorkers; i++) run.join(i, { isLive: true });
      run.become('running', `Training with all ${parsed.cluster.numWorkers} workers`);
    }, 800);
    run.become(run.status, run.reason);
    return run.report();
  }

  drain(memberId: string): DrainReport {
    const run = this.runs.find(({ alive }) => alive.some((worker) => worker.memberId === memberId));
    if (run === undefined)
      throw new BerthError('WORKER_NOT_FOUND', `No worker "${memberId}" lives`);
    run.drain(memberId, 'told to leave: a person asked for it; it leaves after the step under way');
    return { memberId, reason: 'told to leave: after the step under way, within its grace period' };
  }

  /** Kills a worker process of a run, as far as anyone can tell. @returns its member id */
  killWorker(runId: string): string {
    const run = this.find(runId);
    const memberId = run.lose(run.alive.length - 1, 'its connection broke', { isLive: true });
    run.log('error', `Lost ${memberId}: its connection broke`, { code: 'COLLECTIVE_PEER_LOST' });
    const wanted = run.config.cluster.numWorkers;
    run.become(
      'degraded',
      `Training with ${run.alive.length} of ${wanted} workers: ${memberId} was lost, its connection broke`,
    );
    return memberId;
  }

  evaluation(run: SyntheticRun, step: number): FineTuningReport {
    const line = run.history.evalAt(step);
    if (run.labelledData === undefined || line === undefined)
      throw new BerthError(
        'EVALUATION_NOT_FOUND',
        `There is no report of an evaluation of ${run.runId} at step ${step}`,
      );
    return madeUpReport(run.labelledData.fineTuning, line);
  }

  pin(run: SyntheticRun, step: number, isPinned: boolean): RunStatusReport {
    run.checkpoints.pin(step, isPinned);
    return run.report();
  }

  control(runId: string, control: Control, fromStep: number | undefined): RunStatusReport {
    const run = this.find(runId);
    const state = run.report().controls[control];
    if (!state.isEnabled) throw new BerthError('RUN_STATE_CONFLICT', state.reason);
    const live = { isLive: true };
    if (control === 'checkpoint') run.checkpoint('manual', live);
    if (control === 'kill') this.#end(run, 'Killed by a person');
    if (control === 'pause') {
      run.become('pausing', 'Saving a checkpoint, then giving the workers back');
      setTimeout(() => {
        run.checkpoint('manual', live);
        run.endAttempt('paused by a person');
        run.workers = [];
        run.become('paused', `Paused at step ${run.step}; its workers are free`);
      }, 700);
    }
    if (control === 'stop') {
      run.become('stopping', 'Saving a checkpoint, then ending');
      setTimeout(() => {
        run.checkpoint('final', live);
        this.#end(run, 'Stopped by a person');
      }, 700);
    }
    if (control === 'resume') {
      run.resumeFrom(fromStep ?? run.checkpoints.kept[0]?.step ?? 0, live);
      this.#train(run);
    }
    return run.report();
  }

  extension(runId: string, request: ExtensionRequest): ExtensionReport {
    const { record, controlSnapshot } = this.find(runId);
    return extensionReport(Date.now(), record, controlSnapshot, request);
  }

  extend(runId: string, request: ExtensionRequest): RunStatusReport {
    const run = this.find(runId);
    const decision = decideExtension(Date.now(), run.record, run.controlSnapshot, request);
    if (decision.kind !== 'change')
      throw new BerthError('RUN_STATE_CONFLICT', refusalText('extend', runId, decision.reason));
    const { config = run.config, attempts } = decision.change;
    run.extend(config, attempts?.at(-1)?.fromStep ?? run.step);
    this.#train(run);
    return run.report();
  }

  report(): ClusterReport {
    return {
      version: '0.1.0',
      build: { commit: '62dc62e0c1d2', node: '22.12.0', tensorflow: 'tensorflow-cpu-2.21.0' },
      coordinatorId: 'coordinator-1',
      isLeader: true,
      startedAtMs: Date.now() - 86_400_000,
      nowMs: Date.now(),
      redis: { isOk: true, detail: '7.2.4, 0.4 ms' },
      store: { isOk: true, detail: 'http://127.0.0.1:9000/berth, 2 ms' },
      workers: [...this.runs.flatMap((run) => run.alive), ...idle()],
    };
  }

  queues(): QueueReport[] {
    return [
      {
        name: 'examples',
        counts: { waiting: 18, active: 4, delayed: 1, failed: this.jobs.length, completed: 1284 },
        numWorkers: 68,
        oldestWaitMs: 4200,
        numPerMinute: 46,
      },
      {
        name: 'prepare',
        counts: { waiting: 2, active: 0, delayed: 0, failed: 0, completed: 96 },
        numWorkers: 0,
        oldestWaitMs: 61_000,
        numPerMinute: 0,
      },
    ];
  }

  retry(id: string): JobReport {
    const job = this.jobs.find((candidate) => candidate.id === id);
    if (job === undefined) throw new BerthError('USAGE', `Job ${id} is not failed`);
    this.jobs = this.jobs.filter((other) => other !== job);
    return { ...job, state: 'waiting' };
  }

  logs(runId: string, query: LogQuery): LogPage {
    const levels = ['debug', 'info', 'warn', 'error'];
    const matches = (line: LogLine): boolean =>
      levels.indexOf(line.level) >= levels.indexOf(query.level) &&
      (query.source === undefined || line.source === query.source) &&
      (query.text === undefined ||
        `${line.message} ${JSON.stringify(line.fields)}`
          .toLowerCase()
          .includes(query.text.toLowerCase()));
    const all = this.find(runId).logs.filter(matches);
    const end = query.before === undefined ? all.length : Number(query.before);
    const start = Math.max(0, end - query.limit);
    return { lines: all.slice(start, end), before: String(start), after: String(end) };
  }

  #train(run: SyntheticRun): void {
    const { numWorkers } = run.config.cluster;
    for (let i = run.alive.length; i < numWorkers; i++) run.join(i, { isLive: true });
    run.become('running', `Training with all ${numWorkers} workers`);
  }

  #end(run: SyntheticRun, reason: string): void {
    run.endAttempt(reason.toLowerCase());
    run.workers = [];
    run.become('stopped', `${reason} at step ${run.step}`);
  }

  #tick(): void {
    for (const run of this.runs) {
      if (run.status !== 'running' && run.status !== 'degraded') continue;
      run.advanceTo(run.step + 1, { isLive: true });
      if (run.step % 8 === 0) {
        run.log(
          'info',
          'Committed step',
          { ms: Math.round(300 + 40 * Math.random()), votes: run.alive.length },
          run.alive[0]?.memberId,
        );
        this.#emit({ type: 'run', report: run.report() });
        this.#emit({ type: 'workers', runId: run.runId, workers: run.workers });
      }
      if (run.step >= run.config.train.numSteps)
        run.become('completed', `All ${run.step} steps are done`);
    }
  }

  #emit(event: ApiEvent): void {
    const id = ++this.#numEvents;
    for (const listener of this.#listeners) listener(id, event);
  }
}

function idle(): WorkerReport[] {
  return Array.from({ length: idleWorkers }, (_, i) => ({
    memberId: `spare-${i + 1}`,
    rank: null,
    hostname: 'node-17',
    host: '10.0.0.17',
    port: 41_000 + i,
    isReachable: true,
    pid: 900 + i,
    device: 'CPU',
    kernels: 'AVX512_CORE',
    numThreads: 4,
    version: '0.1.0',
    engine: 'process',
    clockAheadMs: null,
    linkBitsPerSecond: 25e9,
    state: 'idle',
    reason: 'Waits for a run',
    runId: null,
    blocks: [],
    step: -1,
    lag: 0,
    heartbeatAgeMs: 100,
    lastSeenAtMs: null,
    rankMs: null,
    paceRatio: null,
    residentBytes: 4e8,
    startedAtMs: Date.now(),
    lastLines: [],
  }));
}

function greet(run: SyntheticRun): void {
  if (run.alive.length === 0) return;
  run.log('info', 'Took the lease', { fencingEpoch: 1 });
  run.log('info', 'Published a view', { version: 2, members: run.alive.length });
  for (const { memberId, state, reason } of run.workers.slice(0, 12)) {
    run.log(
      'info',
      'Loaded TensorFlow',
      { version: '2.21.0', kernels: 'AVX512_CORE', threads: 4 },
      memberId,
    );
    run.log('info', 'Compiled the training step', { nodes: 4211, cached: true, ms: 312 }, memberId);
    if (state === 'straggling') run.log('warn', reason, { paceRatio: 1.9 }, memberId);
    if (state === 'lost')
      run.log('error', `Lost ${memberId}: ${reason}`, { code: 'COLLECTIVE_PEER_LOST' });
  }
}

function failedJobs(): JobReport[] {
  return [3, 11].map((shard) => ({
    id: `examples-sotu-e2-s${shard}`,
    queue: 'examples',
    state: 'failed',
    data: { datasetId: 'sotu-8192', epoch: 2, shard, seed: 4711 },
    numAttempts: 3,
    createdAtMs: Date.now() - 900_000,
    finishedAtMs: Date.now() - 240_000,
    failedReason: `The store refused shard ${shard}: 503 Slow Down after 3 attempts`,
    stack: [
      'BerthError: The store refused the shard\n    at putObject (libs/checkpoint/src/s3/store.ts:88:11)\n    at makeExamples (apps/worker/src/example-job.ts:41:5)',
    ],
  }));
}
