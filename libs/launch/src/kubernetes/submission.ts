import { createHash } from 'node:crypto';
import { coordinatorName } from './coordinator.ts';
import type { Manifest } from './manifest.ts';
import { coordinatorPort, labelsOf } from './names.ts';
import {
  bucketOf,
  containerSecurity,
  podBasics,
  podSecurity,
  secretVariable,
  temporaryMount,
  temporaryVolume,
  variable,
} from './pod-parts.ts';
import { mountsOf, type Claim } from './worker-pod.ts';

export interface SubmissionOptions {
  readonly cluster: string;
  readonly secret: string;
  /** Of the coordinator: it has the `berth` command. */
  readonly image: string;
  readonly run: string;
  /** The run file, resolved. */
  readonly runFile: string;
  readonly claims: readonly Claim[];
}

const folder = '/run/berth';
/** `berth train`: the coordinator does not answer; it was killed; it was told to end. All else another start does not cure. */
const worthAnotherStart = [4, 137, 143];

/**
 * The run file, and a Job that submits it and follows the run to its end. Both are named by what the file says: another file is
 * another Job, which submits the run again, and the same file nothing new.
 */
export function submissionManifests(options: SubmissionOptions): Manifest[] {
  const { cluster, secret, image, run, runFile, claims } = options;
  const digest = createHash('sha256').update(runFile).digest('hex').slice(0, 8);
  const name = `${run}-${digest}`;
  const labels = labelsOf(cluster, 'submission', run);
  const container = {
    name: 'submission',
    image,
    command: ['node', 'apps/cli/bin/berth.js', 'train', '--if-needed', `${folder}/run.yaml`],
    env: [
      variable('BERTH_COORDINATOR_URL', `http://${coordinatorName(cluster)}:${coordinatorPort}`),
      secretVariable('BERTH_API_TOKEN', secret),
      ...bucketOf(secret),
    ],
    resources: { requests: { cpu: '50m', memory: '256Mi' } },
    securityContext: containerSecurity,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      temporaryMount,
      { name: 'run-file', mountPath: folder, readOnly: true },
      ...mountsOf(claims),
    ],
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels },
      immutable: true,
      data: { 'run.yaml': runFile },
    },
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, labels },
      spec: {
        backoffLimit: 20,
        podReplacementPolicy: 'Failed',
        podFailurePolicy: {
          rules: [
            { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
            {
              action: 'FailJob',
              onExitCodes: {
                containerName: 'submission',
                operator: 'NotIn',
                values: worthAnotherStart,
              },
            },
          ],
        },
        template: {
          metadata: { labels },
          spec: {
            ...podBasics,
            securityContext: podSecurity(),
            restartPolicy: 'Never',
            containers: [container],
            volumes: [
              temporaryVolume,
              { name: 'run-file', configMap: { name } },
              ...claims.map((claim, index) => ({
                name: `text-${index}`,
                persistentVolumeClaim: { claimName: claim.name, readOnly: true },
              })),
            ],
          },
        },
      },
    },
  ];
}
