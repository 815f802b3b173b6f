import { expect, it } from 'vitest';
import { explainRefusal } from './explain-refusal.ts';
import { reportRun } from './report-run.ts';
import type { JobObject, PodObject, RunObjects } from './run-objects.ts';

const nothing: RunObjects = { pods: [], events: [], claims: [] };
const jobOf = (status: JobObject['status'], spec: JobObject['spec'] = {}): JobObject => ({
  metadata: { name: 'first', labels: { 'kueue.x-k8s.io/queue-name': 'spot' } },
  spec: { parallelism: 2, ...spec },
  ...(status && { status }),
});
const podOf = (status: PodObject['status']): PodObject => ({
  metadata: { name: 'first-x', labels: { 'app.kubernetes.io/component': 'worker' } },
  spec: { containers: [{ image: 'berth/worker:9' }] },
  ...(status && { status }),
});
const waits = (reason: string, message: string): PodObject =>
  podOf({ phase: 'Pending', containerStatuses: [{ state: { waiting: { reason, message } } }] });
const ended = (exitCode: number, message: string, reason = 'Error'): PodObject =>
  podOf({
    phase: 'Failed',
    containerStatuses: [{ state: { terminated: { exitCode, message, reason } } }],
  });

it('says how a Job stands', () => {
  const lineOf = (job: JobObject): string | undefined => reportRun('first', { ...nothing, job })[0];
  expect(lineOf(jobOf({ active: 2, ready: 1, failed: 4 }))).toBe(
    'Job first: 2 workers wanted, 2 there, 1 ready; 4 have ended and been replaced',
  );
  expect(lineOf(jobOf({ conditions: [{ type: 'Complete', status: 'True' }] }))).toBe(
    'Job first: complete',
  );
  const failed = { type: 'Failed', status: 'True', reason: 'PodFailurePolicy', message: 'code 1' };
  expect(lineOf(jobOf({ conditions: [failed] }))).toBe(
    'Job first: failed, PodFailurePolicy: code 1',
  );
  expect(lineOf(jobOf({}, { suspend: true }))).toMatch(
    /^Job first: suspended, waits in queue spot/,
  );
  expect(reportRun('first', nothing)).toEqual(['there is no Job first; --apply makes it']);
});

it('says once what keeps pods from starting, or ends them', () => {
  const pull = waits('ImagePullBackOff', 'Back-off pulling image\n "berth/worker:9"');
  const unplaced = podOf({
    phase: 'Pending',
    conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }],
  });
  const pods = [
    pull,
    pull,
    waits('CreateContainerConfigError', 'secret "berth" not found'),
    unplaced,
    ended(1, 'a\n{"message":"The worker ends: run first failed"}\n'),
    ended(1, '{"message":"The worker ends","error":{"message":"BERTH_DEVICE is \\"a\\""}}'),
    ended(134, 'FATAL ERROR: out of memory\n----- Native stack trace -----\n\n 1: 0xb7a940 [node]'),
    ended(75, 'told to leave'),
    ended(137, '', 'OOMKilled'),
    podOf({ phase: 'Running', containerStatuses: [{ state: {} }] }),
  ];
  const events = [
    {
      reason: 'FailedCreate',
      message: 'Error creating: pods "first-2x" is forbidden: exceeded quota: small',
      involvedObject: { kind: 'Job', name: 'first' },
    },
    {
      reason: 'ProvisioningFailed',
      message: 'storageclass.storage.k8s.io "fast" not found',
      involvedObject: { kind: 'PersistentVolumeClaim', name: 'data-berth-redis-0' },
    },
  ];
  const claims = [
    {
      metadata: { name: 'data-berth-redis-0' },
      spec: { storageClassName: 'fast' },
      status: { phase: 'Pending' },
    },
  ];
  const job = jobOf({ active: 1 });
  expect(reportRun('first', { job, pods, events, claims }).slice(1)).toEqual([
    'a worker: image berth/worker:9 cannot be pulled: Back-off pulling image "berth/worker:9" (2 times)',
    'a worker cannot start: secret "berth" not found',
    'a worker waits for a node: 0/3 nodes are available',
    'a worker ended with 1: The worker ends: run first failed',
    'a worker ended with 1: BERTH_DEVICE is "a"',
    'a worker ended with 134: FATAL ERROR: out of memory',
    'a worker ended with 75 (is replaced): told to leave',
    'a worker ended with 137 (out of memory: give it more by --memory): its log says nothing',
    'pods cannot be made: exceeded quota: small',
    'volume data-berth-redis-0 (storage class fast) is not there yet: storageclass.storage.k8s.io "fast" not found',
  ]);
});

it.each([
  [
    'Error from server (Forbidden): error when creating "STDIN": jobs.batch is forbidden: User "ann" cannot create resource "jobs" in API group "batch" in the namespace "ml"',
    'REQUEST_REFUSED',
    'ann may not create jobs in namespace ml; ask for a role there, such as edit, or name a namespace of yours by --namespace',
  ],
  [
    'Error from server (NotFound): error when creating "STDIN": namespaces "ml" not found',
    'CONFIG_INVALID',
    'There is no namespace ml; make it by `kubectl create namespace ml`',
  ],
  [
    'The connection to the server localhost:8080 was refused - did you specify the right host or port?',
    'COORDINATOR_UNREACHABLE',
    /^The API server of the cluster does not answer; /,
  ],
  [
    'The Job "first" is invalid: spec.template: Invalid value: {}: field is immutable',
    'RUN_STATE_CONFLICT',
    /^Job first is there with other settings/,
  ],
  [
    'error: unable to recognize "STDIN": no matches for kind "PodMonitor" in version "monitoring.coreos.com/v1"',
    'CONFIG_INVALID',
    /^The cluster knows no PodMonitor/,
  ],
  ['error: context "x" does not exist', 'CONFIG_INVALID', /^kubectl has no context x; /],
  ['error: You must be logged in to the server (Unauthorized)', 'REQUEST_UNAUTHORIZED', /log in/],
  ['\nwarning: odd\nmore', 'INTERNAL', 'kubectl failed: warning: odd'],
] as const)('explains %s', (printed, code, message) => {
  const error = explainRefusal(printed);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
});
