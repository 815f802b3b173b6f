import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { phasesOf, stepBuckets, type StepPhases } from './step-phases.ts';

/** What a worker tells Prometheus. */
export interface WorkerMetrics {
  /** Steps applied to the weights it holds. */
  progress(run: string, step: number): void;
  /** Where the time of a step went that it has applied. */
  phases(run: string, phases: StepPhases): void;
  /** A checkpoint is complete whose manifest this worker wrote. */
  checkpointSaved(run: string, spent: SaveTimes): void;
  /** A state waits to be saved, or none does any more. */
  checkpointPending(run: string, pending: PendingState | undefined): void;
  /** Tensors that TensorFlow holds. */
  tensors(count: number): void;
  /** The `/metrics` page. */
  text(): Promise<string>;
  readonly contentType: string;
}

interface SaveTimes {
  /** From the first upload to the manifest. */
  readonly durationMs: number;
  /** For how long training stood still. */
  readonly stallMs: number;
}

interface PendingState {
  /** As `performance.now` tells it. */
  readonly sinceMs: number;
  readonly spooledBytes: number;
}

/** @param build - labels of `berth_build_info`: version, worker and the like */
export function createWorkerMetrics(build: Readonly<Record<string, string>>): WorkerMetrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const info = new Gauge({
    name: 'berth_build_info',
    help: 'Always 1; the labels say what runs',
    labelNames: Object.keys(build),
    registers,
  });
  info.set(build, 1);
  const step = new Gauge({
    name: 'berth_train_step',
    help: 'Steps applied to the weights that this worker holds',
    labelNames: ['run'],
    registers,
  });
  const phaseTimes = new Histogram({
    name: 'berth_step_phase_seconds',
    help: 'Time of each phase of a step',
    labelNames: ['run', 'phase'],
    buckets: stepBuckets,
    registers,
  });
  const allReduce = new Histogram({
    name: 'berth_allreduce_seconds',
    help: 'Time of the all-reduce of a step',
    labelNames: ['run'],
    buckets: stepBuckets,
    registers,
  });
  const saveTime = new Histogram({
    name: 'berth_checkpoint_save_seconds',
    help: 'Time to save a checkpoint, from the first upload to the manifest',
    labelNames: ['run'],
    buckets: stepBuckets,
    registers,
  });
  const stallTime = new Histogram({
    name: 'berth_checkpoint_stall_seconds',
    help: 'Time that training stands still for a checkpoint: the state is copied aside',
    labelNames: ['run'],
    buckets: stepBuckets,
    registers,
  });
  const pendings = new Map<string, PendingState>();
  const pendingAge: Gauge = new Gauge({
    name: 'berth_checkpoint_pending_seconds',
    help: 'Since when this worker has states that the bucket has not taken; absent when all is saved',
    labelNames: ['run'],
    registers,
    collect() {
      pendingAge.reset();
      for (const [run, { sinceMs }] of pendings)
        pendingAge.set({ run }, (performance.now() - sinceMs) / 1_000);
    },
  });
  const spooled: Gauge = new Gauge({
    name: 'berth_checkpoint_spooled_bytes',
    help: 'Of a state that waits on disk for the bucket',
    labelNames: ['run'],
    registers,
    collect() {
      spooled.reset();
      for (const [run, { spooledBytes }] of pendings) spooled.set({ run }, spooledBytes);
    },
  });
  const numTensors = new Gauge({
    name: 'berth_tensors',
    help: 'Tensors that TensorFlow holds',
    registers,
  });
  addProcessMetrics(registers);

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    progress(run, applied) {
      // A worker is in one run at a time.
      step.reset();
      step.set({ run }, applied);
    },
    phases(run, spent) {
      if (spent.reduceMs !== undefined) allReduce.observe({ run }, spent.reduceMs / 1_000);
      for (const [phase, durationMs] of phasesOf(spent))
        phaseTimes.observe({ run, phase }, durationMs / 1_000);
    },
    checkpointSaved(run, { durationMs, stallMs }) {
      saveTime.observe({ run }, durationMs / 1_000);
      stallTime.observe({ run }, stallMs / 1_000);
    },
    checkpointPending(run, pending) {
      if (pending === undefined) pendings.delete(run);
      else pendings.set(run, pending);
    },
    tensors: (count) => numTensors.set(count),
  };
}

/** The process metrics that dashboards expect under these names, as far as they are base units and well named. */
function addProcessMetrics(registers: Registry[]): void {
  const startedSeconds = Date.now() / 1_000 - process.uptime();
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process started, Unix time',
    registers,
  }).set(startedSeconds);
  const memory: Gauge = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory of the process',
    registers,
    collect: () => memory.set(process.memoryUsage.rss()),
  });
  const cpu: Counter = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the process, all threads',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  });
}
