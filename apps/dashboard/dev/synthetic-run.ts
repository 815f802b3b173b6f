import type {
  ApiEvent,
  CheckpointReport,
  ControlState,
  LogLine,
  Marker,
  MetricsLine,
  RunAttempt,
  RunConfig,
  RunRecord,
  RunStatus,
  RunStatusReport,
  View,
  WorkerReport,
} from '@berth/contracts';
import { tasks } from '@berth/contracts/constants';
import { controlStates, decideControl, type ControlSnapshot } from '@berth/protocol';
import type { Stretch } from './buckets.ts';
import { evalLine, stepLine, uniform, type CurveShape } from './measured-lines.ts';
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
  readonly emit: (event: ApiEvent) => void;
}

type SyntheticCheckpoint = Omit<CheckpointReport, 'resume' | 'isBest'>;

/** A made-up run that does what a real one would say it does. */
export class SyntheticRun {
  readonly config: RunConfig;
  readonly runId: string;
  status: RunStatus;
  reason: string;
  error: RunRecord['error'];
  step = 0;
  attempts: RunAttempt[];
  stretches: { attempt: number; isAbandoned: boolean; lines: MetricsLine[] }[];
  readonly markers: Marker[] = [];
  checkpoints: SyntheticCheckpoint[] = [];
  workers: WorkerReport[] = [];
  readonly logs: LogLine[] = [];
  readonly #shape: CurveShape;
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
    };
    this.attempts = [attemptFrom(1, 0, this.#clockMs)];
    this.stretches = [{ attempt: 1, isAbandoned: false, lines: [] }];
    for (let i = 0; i < options.numWorkers; i++) this.workers.push(makeWorker(this.runId, i));
    this.#assign();
  }

  get attempt(): number {
    return this.attempts.at(-1)?.attempt ?? 1;
  }

  get record(): RunRecord {
    return {
      runId: this.runId,
      config: this.config,
      trainingHash: this.#digest(this.config.seed),
      status: this.status,
      reason: this.reason,
      error: this.error,
      goal: 'trained',
      createdAtMs: this.#createdAtMs,
      updatedAtMs: Date.now(),
      attempts: this.attempts,
      requests: { checkpoint: false, kill: false, rewind: null, submission: null, remove: false },
      keptSteps: [],
      evaluations: [],
      manifestKey: `datasets/${this.config.name}/manifest.json`,
      exampleSetId: 'examples-1',
      numerics: { tensorflow: '2.21.0', device: 'CPU', kernels: 'AVX512_CORE', numThreads: 4 },
    };
  }

  get alive(): WorkerReport[] {
    return this.workers.filter(({ state }) => state !== 'lost');
  }

  report(): RunStatusReport {
    const lines = this.stretches.findLast(({ isAbandoned }) => !isAbandoned)?.lines ?? [];
    const last = lines.findLast(({ kind }) => kind === 'step') ?? null;
    const checkpoint = this.checkpoints.find(({ isAbandoned }) => !isAbandoned);
    const isTraining = this.status === 'running' || this.status === 'degraded';
    const run = this.record;
    return {
      run,
      step: this.step,
      numSteps: this.config.train.numSteps,
      last,
      lastEval:
        this.stretches
          .flatMap((stretch) => stretch.lines.findLast(({ kind }) => kind === 'eval') ?? [])
          .at(-1) ?? null,
      tokensPerSecond:
        isTraining && last !== null ? (last.numTokens / (last.stepMs ?? 1)) * 1000 : null,
      etaMs: isTraining ? (this.config.train.numSteps - this.step) * this.#shape.stepMs : null,
      view: this.#view(),
      checkpointStep: checkpoint?.step ?? null,
      checkpointAtMs: checkpoint?.createdAtMs ?? null,
      best: null,
      numWorkersAlive: this.alive.length,
      releases: {},
      sparkline: this.#sparkline(),
      controls: controlStates(Date.now(), run, this.#controlSnapshot()),
      numExampleShards: 16,
      dataset: {
        summary:
          '3 files, 233 documents (0 of one sentence), 63,061 sentences, 2,154,773 tokens, 2.7 % held out, 0.11 % [UNK]',
        findings: [
          {
            severity: 'warning',
            code: 'left-out',
            text: 'left out of the corpus: README.md (not .txt, .jsonl or .ndjson, each plain, .gz or .zst): convert what belongs to it, or name by a glob in corpus.path what does',
          },
        ],
      },
    };
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
    this.stretches.at(-1)?.lines.push(...added);
    this.workers = this.workers.map((worker) =>
      worker.state === 'lost'
        ? worker
        : { ...worker, step: this.step, heartbeatAgeMs: 40 + 150 * Math.random() },
    );
    if (isLive && added.length > 0)
      this.#emit({ type: 'metrics', runId: this.runId, lines: added });
  }

  checkpoint(kind: CheckpointReport['kind'], { isLive }: { isLive: boolean }): void {
    const digest = this.#digest(this.step + this.attempt);
    const every = this.config.train.keepEverySteps;
    const isKept = kind === 'rolling' && every > 0 && this.step % every === 0;
    this.checkpoints.unshift({
      step: this.step,
      attempt: this.attempt,
      isAbandoned: false,
      kind: isKept ? 'permanent' : kind,
      validity: 'complete',
      sizeBytes: 1_310_720_000 * (0.99 + 0.02 * uniform(3, this.step)),
      numParts: Math.max(1, this.alive.length),
      createdAtMs: this.#clockMs,
      weightsDigest: digest,
      manifestKey: `runs/${this.runId}/checkpoints/step-${this.step}-${this.attempt}/manifest.json`,
      heldOut: lossesOf(evalLine(this.#shape, this.attempt, this.step, 0)),
      matchesConfig: true,
    });
    const own = this.checkpoints.filter((other) => other.kind === 'rolling' && !other.isAbandoned);
    const gone = new Set(own.slice(this.config.train.keepLast));
    this.checkpoints = this.checkpoints.filter((other) => !gone.has(other));
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

  join(index: number, { isLive }: { isLive: boolean }): void {
    const worker = makeWorker(this.runId, index);
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
    this.stretches = this.stretches.flatMap((stretch) => {
      if (stretch.isAbandoned) return [stretch];
      const kept = stretch.lines.filter((line) => line.step <= step);
      const left = stretch.lines.filter((line) => line.step > step);
      const parts = [{ ...stretch, lines: kept }];
      return left.length === 0 ? parts : [...parts, { ...stretch, isAbandoned: true, lines: left }];
    });
    this.checkpoints = this.checkpoints.map((checkpoint) =>
      checkpoint.step > step ? { ...checkpoint, isAbandoned: true } : checkpoint,
    );
    const attempt = before.attempt + 1;
    this.attempts.push(attemptFrom(attempt, step, atMs));
    this.stretches.push({ attempt, isAbandoned: false, lines: [] });
    this.step = step;
    this.error = null;
    this.mark('resume', `Attempt ${attempt} goes on from step ${step}`, { isLive });
    if (isLive)
      this.#emit({ type: 'checkpoints', runId: this.runId, checkpoints: this.checkpointReports() });
  }

  checkpointReports(): CheckpointReport[] {
    const run = this.record;
    return this.checkpoints.map((checkpoint) => ({
      ...checkpoint,
      isBest: checkpoint === this.#best(),
      resume: this.#resumeFrom(checkpoint, run),
    }));
  }

  #best(): SyntheticCheckpoint | undefined {
    const lossOf = ({ heldOut }: SyntheticCheckpoint): number => heldOut?.['loss'] ?? Infinity;
    return this.checkpoints
      .filter(({ isAbandoned }) => !isAbandoned)
      .toSorted((a, b) => lossOf(a) - lossOf(b))[0];
  }

  #resumeFrom({ step, isAbandoned }: SyntheticCheckpoint, run: RunRecord): ControlState {
    if (isAbandoned)
      return { isEnabled: false, reason: 'it is on a branch that the run has left behind' };
    const request = { fromStep: step };
    const { kind, reason } = decideControl(
      Date.now(),
      run,
      this.#controlSnapshot(),
      'resume',
      request,
    );
    return { isEnabled: kind === 'change', reason };
  }

  #controlSnapshot(): ControlSnapshot {
    const kept = this.checkpoints.filter(({ isAbandoned }) => !isAbandoned);
    const checkpointSteps = kept.map(({ step }) => step).toReversed();
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

  get history(): readonly Stretch[] {
    return this.stretches;
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

  #view(): View | null {
    if (this.alive.length === 0) return null;
    return {
      runId: this.runId,
      fencingEpoch: 1,
      version: this.#viewVersion,
      fromStep: Math.max(0, this.step - 40),
      members: this.alive.map(({ memberId, host, port, blocks }) => ({
        memberId,
        host,
        port,
        blocks,
      })),
      mode: 'train',
      reason: this.workers.some(({ state }) => state === 'lost')
        ? 'A member was lost; the others share its part'
        : 'All workers have joined',
    };
  }

  #sparkline(): number[] {
    const lines = this.stretches
      .filter(({ isAbandoned }) => !isAbandoned)
      .flatMap(({ lines }) => lines.slice(-4000));
    const newest = lines.filter(({ kind }) => kind === 'step').slice(-4000);
    const size = Math.max(1, Math.ceil(newest.length / 40));
    return Array.from({ length: Math.min(40, Math.ceil(newest.length / size)) }, (_, i) => {
      const part = newest.slice(i * size, (i + 1) * size);
      return part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
    });
  }

  #digest(salt: number): string {
    return Array.from({ length: 8 }, (_, i) =>
      Math.floor(uniform(salt, i) * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
  }
}

function attemptFrom(attempt: number, fromStep: number, startedAtMs: number): RunAttempt {
  return {
    attempt,
    startedAtMs,
    fromStep,
    endedAtMs: null,
    toStep: null,
    endReason: null,
    abandonedFromStep: null,
  };
}

function lossesOf(line: MetricsLine): CheckpointReport['heldOut'] {
  const losses = ['loss', ...tasks.pretraining.losses.map(({ name }) => `${name}_loss`)];
  return Object.fromEntries(losses.map((name) => [name, Number(line[name])]));
}
