import type { MetricsLine, RelayTraffic, Task } from '@berth/contracts';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { phasesOf, stepBuckets } from './step-phases.ts';

/** What a process tells Prometheus. All names start with `berth_` and use base units. */
export interface Metrics {
  /** A committed step or an evaluation. */
  line(run: string, task: Task, line: MetricsLine): void;
  /** Where a run stands by a line of before: counters and histograms begin with what this process sees. */
  stand(run: string, task: Task, line: MetricsLine): void;
  /** Replaces what is known of the run's workers; a worker that is left out is gone. */
  workers(run: string, workers: readonly WorkerHealth[]): void;
  checkpoint(run: string, saved: SavedCheckpoint): void;
  /** How often members of a run were found to hold different states, in all. */
  divergences(run: string, count: number): void;
  /** What has passed through the relay of this process since it began. */
  relay(traffic: RelayTraffic): void;
  queue(queue: string, counts: Readonly<Record<string, number>>): void;
  /** The `/metrics` page. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface WorkerHealth {
  readonly rank: number;
  readonly isUp: boolean;
  readonly heartbeatAgeMs: number;
}

export interface SavedCheckpoint {
  readonly sizeBytes: number;
  readonly finishedAtMs: number;
}

/** @param build - labels of `berth_build_info`: version, runtime and the like */
export function createMetrics(build: Readonly<Record<string, string>>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, ...labelNames: string[]): Gauge =>
    new Gauge({ name: `berth_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, ...labelNames: string[]): Histogram =>
    new Histogram({ name: `berth_${name}`, help, labelNames, registers, buckets: stepBuckets });

  const buildInfo = gauge(
    'build_info',
    'Always 1; the labels say what runs',
    ...Object.keys(build),
  );
  buildInfo.set(build, 1);
  const step = gauge('train_step', 'Committed steps', 'run');
  const loss = gauge('train_loss', 'Loss of the newest step', 'run', 'objective');
  const evalLoss = gauge('eval_loss', 'Loss of the newest evaluation', 'run', 'objective');
  const gradNorm = gauge('grad_norm', 'Global gradient norm before clipping', 'run');
  const tokens = new Counter({
    name: 'berth_train_tokens_total',
    help: 'Tokens trained on',
    labelNames: ['run'],
    registers,
  });
  const phases = histogram('step_phase_seconds', 'Time of each phase of a step', 'run', 'phase');
  const allReduce = histogram('allreduce_seconds', 'Time of the all-reduce of a step', 'run');
  const workerUp = gauge('worker_up', '1 while the worker is alive', 'run', 'rank');
  const age = gauge('worker_heartbeat_age_seconds', 'Since the last heartbeat', 'run', 'rank');
  const saveSize = gauge('checkpoint_bytes', 'Size of the newest checkpoint', 'run');
  const saveEnd = gauge(
    'checkpoint_last_success_timestamp_seconds',
    'When the newest checkpoint was complete, Unix time',
    'run',
  );
  const divergences = new Counter({
    name: 'berth_state_divergences_total',
    help: 'Times that workers were found to hold different states',
    labelNames: ['run'],
    registers,
  });
  const counted = new Map<string, number>();
  const relayed = new Counter({
    name: 'berth_relay_bytes_total',
    help: 'Bytes passed on between workers of which neither can dial the other',
    registers,
  });
  let numRelayed = 0;
  const joined = gauge('relay_connections', 'Connections between workers by way of this relay');
  const jobs = gauge('queue_jobs', 'Jobs by state', 'queue', 'state');
  const ranks = new Map<string, readonly number[]>();

  const stand = (run: string, task: Task, line: MetricsLine): void => {
    const losses = line.kind === 'step' ? loss : evalLoss;
    losses.set({ run, objective: 'total' }, line.loss);
    for (const { name } of task.losses) {
      const value = line[`${name}_loss`];
      if (typeof value === 'number') losses.set({ run, objective: name }, value);
    }
    if (line.kind === 'eval') return;
    // A line's step counts from 0: it is the number of steps before it.
    step.set({ run }, line.step + 1);
    if (line.gradientNorm !== undefined) gradNorm.set({ run }, line.gradientNorm);
  };

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    stand,

    line(run, task, line) {
      stand(run, task, line);
      if (line.kind === 'eval') return;
      tokens.inc({ run }, line.numTokens);
      if (line.reduceMs !== undefined) allReduce.observe({ run }, line.reduceMs / 1_000);
      for (const [phase, durationMs] of phasesOf(line))
        phases.observe({ run, phase }, durationMs / 1_000);
    },

    workers(run, workers) {
      for (const rank of ranks.get(run) ?? []) {
        workerUp.remove({ run, rank });
        age.remove({ run, rank });
      }
      for (const { rank, isUp, heartbeatAgeMs } of workers) {
        workerUp.set({ run, rank }, isUp ? 1 : 0);
        age.set({ run, rank }, heartbeatAgeMs / 1_000);
      }
      ranks.set(
        run,
        workers.map(({ rank }) => rank),
      );
    },

    checkpoint(run, { sizeBytes, finishedAtMs }) {
      saveSize.set({ run }, sizeBytes);
      saveEnd.set({ run }, finishedAtMs / 1_000);
    },

    divergences(run, count) {
      divergences.inc({ run }, Math.max(0, count - (counted.get(run) ?? 0)));
      counted.set(run, Math.max(count, counted.get(run) ?? 0));
    },

    relay({ numBytes, numJoined }) {
      relayed.inc(numBytes - numRelayed);
      numRelayed = numBytes;
      joined.set(numJoined);
    },

    queue(queue, counts) {
      for (const [state, count] of Object.entries(counts)) jobs.set({ queue, state }, count);
    },
  };
}
