import type { Manifest } from './manifest.ts';
import { labelsOf } from './names.ts';
import { fieldVariable } from './pod-parts.ts';
import { workerPod, type WorkerPodOptions } from './worker-pod.ts';
import { jobRules } from './worker-job.ts';

/** The JobSet that Trainer makes of a TrainJob has the TrainJob's name. */
const nameOfTrainJob = "metadata.labels['jobset.sigs.k8s.io/jobset-name']";

/**
 * What TrainJobs of Kubeflow Trainer are made by: a TrainJob of a run's name, with `runtimeRef: { name: berth }` and `trainer.numNodes` workers.
 * The run is submitted by itself. Trainer sets the Job's completions to the number of workers: each ends with 0 when the run is complete.
 */
export function trainingRuntime(
  options: WorkerPodOptions,
  { name, backoffLimit }: { readonly name: string; readonly backoffLimit: number },
): Manifest {
  const { metadata, spec } = workerPod(options, fieldVariable('BERTH_WORKER_RUN', nameOfTrainJob));
  const [container] = spec['containers'] as [Record<string, unknown>];
  return {
    apiVersion: 'trainer.kubeflow.org/v1alpha1',
    kind: 'ClusterTrainingRuntime',
    metadata: {
      name,
      labels: { ...labelsOf(options.cluster, 'worker'), 'trainer.kubeflow.org/framework': 'berth' },
    },
    spec: {
      mlPolicy: { numNodes: 2 },
      template: {
        spec: {
          replicatedJobs: [
            {
              // Of at most 20 characters. Trainer's own settings go to the container of this name.
              name: 'node',
              template: {
                metadata: { labels: { 'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer' } },
                spec: {
                  ...jobRules(backoffLimit, 'node'),
                  template: {
                    metadata,
                    spec: { ...spec, containers: [{ ...container, name: 'node' }] },
                  },
                },
              },
            },
          ],
        },
      },
    },
  };
}
