import type {
  ApiEvent,
  CheckpointReport,
  LogLine,
  Marker,
  MetricsLine,
  RunAttempt,
  RunConfig,
  RunRecord,
  RunStatus,
  RunStatusReport,
  WorkerReport,
} from '@berth/contracts';
import { taskOfRun } from '@berth/contracts/constants';
import { newAttempt, type ControlSnapshot } from '@berth/protocol';
import { digestOf } from './made-up-numbers.ts';
import type { CurveShape } from './curve-shape.ts';
import { evalLine, stepLine } from './measured-lines.ts';
import { SyntheticCheckpoints } from './synthetic-checkpoints.ts';
import { SyntheticHistory } from './synthetic-history.ts';
import { reportOf } from './synthetic-report.ts';
import { blocksOf, makeWorker } from './synthetic-workers.ts';

export interface SyntheticOptions {
  readonly config: RunConfig;
  readonly status: RunStatus;
  readonly reason: string;
  readonly step: number;
  readonly numWorkers: number;
  readonly stepMs: number;
  readonly halfLife: number;
  readonly createdAtMs: number;
  readonly error?: RunRecord['error'];
  /** Of a fine-tuning, once its data is known. */
  readonly labelledData?: RunRecord['labelledData'];
  readonly grid?: RunRecord['grid'];
  readonly emit: (event: ApiEvent) => void;
}

/** A made-up run that does what a real one would say it does. */
export class SyntheticRun {
  config: RunConfig;
  readonly runId: string;
  status: RunStatus;
  reason: string;
  error: RunRecord['error'];
  step = 0;
  attempts: RunAttempt[];
  readonly history = new SyntheticHistory();
  readonly markers: Marker[] = [];
  readonly checkpoints: SyntheticCheckpoints;
  workers: WorkerReport[] = [];
  readonly logs: LogLine[] = [];
  readonly labelledData: RunRecord['labelledData'];
  readonly #grid: RunRecord['grid'];
  #shape: CurveShape;
  readonly #emit: (event: ApiEvent) => void;
  readonly #createdAtMs: number;
  #clockMs: number;
  #viewVersion = 1;

  constructor(options: SyntheticOptions) {
    const { config, createdAtMs, emit } = options;
    this.config = config;
    this.runId = config.name;
    this.status = options.status;
    this.reason = options.reason;
    this.error = options.error ?? null;
    this.labelledData = options.labelledData;
    this.#grid = options.grid;
    this.#emit = emit;
    this.#createdAtMs = createdAtMs;
    this.#clockMs = createdAtMs + 20_000;
    this.#shape = {
      seed: config.seed,
      numSteps: config.train.numSteps,
      tokensPerStep: config.train.globalBatch * config.examples.maxSeqLength,
      stepMs: options.stepMs,
      peakLearningRate: config.optimizer.learningRate,
      halfLife: options.halfLife,
      fineTuning: config.task && taskOfRun({ config, labelledData: this.labelledData }),
    };
    this.attempts = [newAttempt(1, 0, this.#clockMs)];
    this.history.begin(1);
    this.checkpoints = new SyntheticCheckpoints(config, this.#shape);
    for (let i = 0; i < options.numWorkers; i++) this.workers.push(makeWorker(this.config, i));
    this.#assign();
  }

  get stepMs(): number {
    return this.#shape.stepMs;
  }

  /** Of the view in force. */
  get viewVersion(): number {
    return this.#viewVersion;
  }

  get attempt(): number {
    return this.attempts.at(-1)?.attempt ?? 1;
  }

  get record(): RunRecord {
    return {
      runId: this.runId,
      config: this.config,
      trainingHash: digestOf(this.config.seed),
      status: this.status,
      reason: this.reason,
      error: this.error,
      goal: 'trained',
      createdAtMs: this.#createdAtMs,
      updatedAtMs: Date.now(),
      attempts: this.attempts,
      requests: { checkpoint: false, kill: false, rewind: null, submission: null, remove: false },
      keptSteps: [],
      evaluations: this.checkpoints.evaluations,
      manifestKey: `datasets/${this.config.name}/manifest.json`,
      exampleSetId: 'examples-1',
      labelledData: this.labelledData,
      grid: this.#grid,
      numerics: { tensorflow: '2.21.0', device: 'CPU', kernels: 'AVX512_CORE', numThreads: 4 },
    };
  }

  get alive(): WorkerReport[] {
    return this.workers.filter(({ state }) => state !== 'lost');
  }

  report(): RunStatusReport {
    return reportOf(this);
  }

  /** Makes steps up to this one, at the speed of its clock or at once. */
  advanceTo(step: number, { isLive }: { isLive: boolean }): void {
    const added: MetricsLine[] = [];
    const { evalEverySteps, checkpointEverySteps, numSteps } = this.config.train;
    while (this.step < Math.min(step, numSteps)) {
      this.step++;
      this.#clockMs = isLive ? Date.now() : this.#clockMs + this.#shape.stepMs;
      added.push(stepLine(this.#shape, this.attempt, this.step, this.#clockMs));
      if (evalEverySteps > 0 && this.step % evalEverySteps === 0)
        added.push(evalLine(this.#shape, this.attempt, this.step, this.#clockMs));
      if (this.step % checkpointEverySteps === 0) this.checkpoint('rolling', { isLive });
    }
    this.history.add(added);
    this.workers = this.workers.map((worker) =>
      worker.state === 'lost'
        ? worker
        : { ...worker, step: this.step, heartbeatAgeMs: 40 + 150 * Math.random() },
    );
    if (isLive && added.length > 0)
      this.#emit({ type: 'metrics', runId: this.runId, lines: added });
  }

  checkpoint(kind: CheckpointReport['kind'], { isLive }: { isLive: boolean }): void {
    const digest = this.checkpoints.add(kind, {
      step: this.step,
      attempt: this.attempt,
      numParts: Math.max(1, this.alive.length),
      timeMs: this.#clockMs,
    });
    this.mark('checkpoint', `Checkpoint at step ${this.step}`, { isLive });
    if (isLive) {
      this.#emit({ type: 'checkpoints', runId: this.runId, checkpoints: this.checkpointReports() });
      this.log('info', 'Saved a checkpoint', { digest: digest.slice(0, 12) });
    }
  }

  mark(kind: Marker['kind'], text: string, { isLive }: { isLive: boolean }): void {
    const marker = { kind, attempt: this.attempt, step: this.step, timeMs: this.#clockMs, text };
    this.markers.push(marker);
    if (isLive) this.#emit({ type: 'marker', runId: this.runId, marker });
  }

  log(
    level: LogLine['level'],
    message: string,
    fields: LogLine['fields'] = {},
    source = 'coordinator-1',
  ): void {
    const app = source.startsWith('coordinator') ? 'coordinator' : 'worker';
    const line: LogLine = {
      timeMs: Date.now(),
      level,
      message,
      app,
      source,
      runId: this.runId,
      attempt: this.attempt,
      step: this.step,
      fields,
    };
    this.logs.push(line);
    this.#emit({ type: 'logs', runId: this.runId, lines: [line] });
  }

  /** Loses the worker of a rank: it stays on the list, the others take over its part. */
  lose(rank: number, reason: string, { isLive }: { isLive: boolean }): string {
    const victim = this.alive[rank];
    if (victim === undefined) return '';
    this.workers = this.workers.map((worker) =>
      worker === victim
        ? {
            ...worker,
            state: 'lost',
            reason,
            rank: null,
            blocks: [],
            heartbeatAgeMs: 2000,
            lastSeenAtMs: this.#clockMs - 2000,
            lastLines: [
              'info  Committed step 812',
              'info  Sent 3.4 MB to 3 peers',
              'warn  Step took 2.1 s, median 0.4 s',
              'info  Began step 813',
            ],
          }
        : worker,
    );
    this.#assign();
    this.mark('lost', `${victim.memberId} lost: ${reason}`, { isLive });
    return victim.memberId;
  }

  drain(memberId: string, reason: string): void {
    this.workers = this.workers.map((worker) =>
      worker.memberId === memberId ? { ...worker, state: 'draining', reason } : worker,
    );
    this.#emit({ type: 'workers', runId: this.runId, workers: this.workers });
  }

  join(index: number, { isLive }: { isLive: boolean }): void {
    const worker = makeWorker(this.config, index);
    this.workers.push(worker);
    this.#assign();
    this.mark('joined', `${worker.memberId} joined`, { isLive });
  }

  /** Goes on from a checkpoint; what came after it becomes a branch. */
  resumeFrom(step: number, { isLive }: { isLive: boolean }): void {
    const before = this.attempts.at(-1);
    if (before === undefined) return;
    const isBranch = step < this.step;
    const atMs = isLive ? Date.now() : this.#clockMs;
    this.attempts = this.attempts.map((attempt) =>
      attempt === before
        ? {
            ...attempt,
            endedAtMs: attempt.endedAtMs ?? atMs,
            toStep: attempt.toStep ?? this.step,
            endReason: attempt.endReason ?? 'resumed from a checkpoint',
            abandonedFromStep: isBranch ? step : null,
          }
        : attempt,
    );
    this.history.branchAt(step);
    this.checkpoints.abandonAfter(step);
    const attempt = before.attempt + 1;
    this.attempts.push(newAttempt(attempt, step, atMs));
    this.history.begin(attempt);
    this.step = step;
    this.error = null;
    this.mark('resume', `Attempt ${attempt} goes on from step ${step}`, { isLive });
    if (isLive)
      this.#emit({ type: 'checkpoints', runId: this.runId, checkpoints: this.checkpointReports() });
  }

  /** Trains by another plan from a checkpoint, or from where it rests. */
  extend(config: RunConfig, fromStep: number): void {
    this.config = config;
    this.#shape = { ...this.#shape, numSteps: config.train.numSteps };
    this.resumeFrom(fromStep, { isLive: true });
  }

  checkpointReports(): CheckpointReport[] {
    return this.checkpoints.reports(this.record, this.controlSnapshot);
  }

  get controlSnapshot(): ControlSnapshot {
    const checkpointSteps = this.checkpoints.kept.map(({ step }) => step).toReversed();
    const unsavedMs = (this.step - (checkpointSteps.at(-1) ?? 0)) * this.#shape.stepMs;
    return { numCommitted: this.step, checkpointSteps, unsavedMs };
  }

  become(status: RunStatus, reason: string): void {
    this.status = status;
    this.reason = reason;
    this.#emit({ type: 'run', report: this.report() });
    this.#emit({ type: 'workers', runId: this.runId, workers: this.workers });
    this.#emit({ type: 'checkpoints', runId: this.runId, checkpoints: this.checkpointReports() });
  }

  endAttempt(reason: string, atMs = Date.now()): void {
    this.attempts = this.attempts.map((attempt, i) =>
      i === this.attempts.length - 1
        ? { ...attempt, endedAtMs: atMs, toStep: this.step, endReason: reason }
        : attempt,
    );
  }

  get clockMs(): number {
    return this.#clockMs;
  }

  #assign(): void {
    const alive = this.alive;
    const blocks = blocksOf(this.config.train.virtualRanks, alive.length);
    let rank = 0;
    this.#viewVersion++;
    this.workers = this.workers.map((worker) =>
      worker.state === 'lost' ? worker : { ...worker, rank, blocks: blocks[rank++] ?? [] },
    );
  }
}
