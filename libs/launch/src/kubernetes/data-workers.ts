import type { Manifest } from './manifest.ts';
import { labelsOf, selectorOf } from './names.ts';
import { dataWorkerPod, type WorkerPodOptions } from './worker-pod.ts';

function dataWorkersName(cluster: string): string {
  return `${cluster}-data-worker`;
}

/** Workers that only make data. @param replicas - absent where an autoscaler says how many there are */
export function dataWorkers(options: WorkerPodOptions, replicas?: number): Manifest {
  const { cluster } = options;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: dataWorkersName(cluster), labels: labelsOf(cluster, 'data-worker') },
    spec: {
      ...(replicas !== undefined && { replicas }),
      selector: { matchLabels: selectorOf(cluster, 'data-worker') },
      template: dataWorkerPod(options),
    },
  };
}

export interface AutoscalingOptions {
  readonly cluster: string;
  readonly maxReplicas: number;
  /** Where Prometheus answers, which asks the coordinators. */
  readonly prometheusUrl: string;
}

/** Jobs that one data worker is for. */
const jobsOfWorker = 4;

/**
 * Has KEDA start data workers by how many jobs wait or are being done, and none where there are none. It goes by the gauge that coordinators
 * export, not by a list in Redis: jobs with a priority are in another one.
 */
export function dataWorkerScaling(options: AutoscalingOptions): Manifest {
  const { cluster, maxReplicas, prometheusUrl } = options;
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: dataWorkersName(cluster), labels: labelsOf(cluster, 'data-worker') },
    spec: {
      scaleTargetRef: { name: dataWorkersName(cluster) },
      minReplicaCount: 0,
      maxReplicaCount: maxReplicas,
      // A job that its worker leaves is done again.
      cooldownPeriod: 300,
      triggers: [
        {
          type: 'prometheus',
          metadata: {
            serverAddress: prometheusUrl,
            query: jobsQuery,
            threshold: String(jobsOfWorker),
            activationThreshold: '0',
          },
        },
      ],
    },
  };
}

/** Each of the coordinators tells of the same queue. */
export const jobsQuery =
  'sum(max by (queue, state) (berth_queue_jobs{state=~"waiting|active|delayed"}))';
