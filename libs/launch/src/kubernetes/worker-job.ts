import { workerEnds } from '@berth/contracts';
import type { Manifest } from './manifest.ts';
import { labelsOf, runLabel } from './names.ts';
import { variable } from './pod-parts.ts';
import { workerPod, type WorkerPodOptions } from './worker-pod.ts';

export interface WorkerJobOptions extends WorkerPodOptions {
  readonly run: string;
  readonly numWorkers: number;
  /** Crashes of workers, in all, after which the Job fails; drained and evicted ones do not count. */
  readonly backoffLimit: number;
  /** Kueue's queue that it waits in. */
  readonly queue?: string | undefined;
}

/**
 * A run's workers: a Job without a number of completions, so that `parallelism` is how many there are and may change at any time.
 * The first pod that ends with 0 says that the run is complete.
 */
export function workerJob(options: WorkerJobOptions): Manifest {
  const { cluster, run, numWorkers, backoffLimit, queue } = options;
  const { metadata, spec } = workerPod(options, variable('BERTH_WORKER_RUN', run));
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: run,
      labels: {
        ...labelsOf(cluster, 'worker', run),
        ...(queue !== undefined && { 'kueue.x-k8s.io/queue-name': queue }),
      },
      ...(queue !== undefined && { annotations: { 'kueue.x-k8s.io/elastic-job': 'true' } }),
    },
    spec: {
      parallelism: numWorkers,
      ...jobRules(backoffLimit),
      template: { metadata: { labels: { ...metadata.labels, [runLabel]: run } }, spec },
    },
  };
}

/** How a Job takes the ends of its workers. A pod that goes is replaced once it is gone: it may save until then. */
export function jobRules(backoffLimit: number, containerName = 'worker'): Record<string, unknown> {
  return {
    backoffLimit,
    podReplacementPolicy: 'Failed',
    podFailurePolicy: { rules: failureRules(containerName) },
  };
}

/** Of a process that SIGTERM ended, as where a call to the device did not end in time. */
const endedBySignal = 143;

/** What the table of ends says: start it again, or let a person look. */
const again = workerEnds.drained.exitCode;
const forPeople = workerEnds.failed.exitCode;

/** The first rule that fits counts; a failure that none fits counts against the limit. */
function failureRules(containerName: string): Record<string, unknown>[] {
  const onCodes = (action: 'Ignore' | 'FailJob', values: number[]): Record<string, unknown> => ({
    action,
    onExitCodes: { containerName, operator: 'In', values },
  });
  return [
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    onCodes('Ignore', [again, endedBySignal]),
    onCodes('FailJob', [forPeople]),
  ];
}
