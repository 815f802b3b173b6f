import { parseRunConfig, workerEnds } from '@berth/contracts';
import { parse, parseAllDocuments } from 'yaml';
import { describe, expect, it } from 'vitest';
import { selectorOfKernels } from './kernels.ts';
import { toYaml } from './manifest.ts';
import { pathsOutOfSight, runManifests, type RunManifestsOptions } from './run-manifests.ts';
import { redisManifests } from './services.ts';
import { graceSecondsFor, memoryFor } from './sizing.ts';

const options: RunManifestsOptions = {
  cluster: 'berth',
  secret: 'berth',
  image: 'worker:1',
  coordinatorImage: 'coordinator:1',
  numWorkers: 3,
  memory: '2Gi',
  hasGpu: false,
  nodeSelector: {},
  tolerations: [],
  claims: [],
  graceSeconds: 60,
  backoffLimit: 100,
  submits: true,
};
const configOf = (more: object = {}) =>
  parseRunConfig({ name: 'first', corpus: { path: 's3://text/books' }, ...more }, 'run.yaml');

interface Job {
  readonly metadata: { readonly name: string; readonly labels: object };
  readonly spec: {
    readonly parallelism: number;
    readonly podFailurePolicy: {
      readonly rules: readonly {
        readonly action: string;
        readonly onExitCodes?: { readonly containerName: string; readonly values: number[] };
      }[];
    };
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly nodeSelector?: object;
        readonly containers: readonly [
          {
            readonly name: string;
            readonly env: readonly { readonly name: string; readonly value?: string }[];
            readonly resources: object;
          },
        ];
      };
    };
  };
}

const jobOf = (change: Partial<RunManifestsOptions> = {}, config = configOf()): Job =>
  runManifests(config, { ...options, ...change }).at(-1) as unknown as Job;
const variablesOf = (job: Job) =>
  Object.fromEntries(
    job.spec.template.spec.containers[0].env.map(({ name, value }) => [name, value]),
  );

describe("the Job of a run's workers", () => {
  it('takes every end of a worker for what the table of ends says', () => {
    const job = jobOf();
    const actionOf = (code: number): string | undefined =>
      job.spec.podFailurePolicy.rules.find(({ onExitCodes }) => onExitCodes?.values.includes(code))
        ?.action;
    const actions = { 0: undefined, 75: 'Ignore', 1: 'FailJob' };
    for (const { exitCode } of Object.values(workerEnds))
      expect(actionOf(exitCode)).toBe(actions[exitCode]);
    expect([actionOf(143), actionOf(137), actionOf(134)]).toEqual(['Ignore', undefined, undefined]);
    const [container] = job.spec.template.spec.containers;
    const names = job.spec.podFailurePolicy.rules.map(
      ({ onExitCodes }) => onExitCodes?.containerName,
    );
    expect(names).toEqual([undefined, container.name, container.name]);
  });

  it('has as many pods as workers, without a number of completions', () => {
    expect(jobOf().spec).toMatchObject({ parallelism: 3, podReplacementPolicy: 'Failed' });
    expect(jobOf().spec).not.toHaveProperty('completions');
  });

  it('gives a worker less time than its pod has', () => {
    const { spec } = jobOf().spec.template;
    expect(variablesOf(jobOf())).toMatchObject({
      BERTH_ENGINE: 'kubernetes',
      BERTH_WORKER_RUN: 'first',
      BERTH_GRACE_MS: '55000',
    });
    expect(spec.terminationGracePeriodSeconds).toBe(60);
  });

  it('asks for a GPU, and for nodes of one arithmetic', () => {
    const job = jobOf({
      hasGpu: true,
      kernels: 'avx2',
      nodeSelector: selectorOfKernels('avx2'),
      queue: 'spot',
    });
    const { containers, nodeSelector } = job.spec.template.spec;
    expect(containers[0].resources).toMatchObject({ limits: { 'nvidia.com/gpu': 1 } });
    expect(variablesOf(job)).toMatchObject({ BERTH_DEVICE: 'gpu', ONEDNN_MAX_CPU_ISA: 'avx2' });
    expect(nodeSelector).toHaveProperty(['feature.node.kubernetes.io/cpu-cpuid.AVX2'], 'true');
    expect(job.metadata.labels).toHaveProperty(['kueue.x-k8s.io/queue-name'], 'spot');
  });
});

it('submits the run that the file states, and another file anew', () => {
  const [map, submission] = runManifests(configOf(), options);
  const { 'run.yaml': text = '' } = map!['data'] as Record<string, string>;
  expect(parseRunConfig(parse(text), 'run.yaml')).toEqual(configOf());
  expect(submission!.metadata.name).toBe(map!.metadata.name);
  const other = runManifests(configOf({ seed: 8 }), options);
  expect(other[1]!.metadata.name).not.toBe(submission!.metadata.name);
  expect(runManifests(configOf(), { ...options, submits: false })).toHaveLength(1);
  const printed = parseAllDocuments(toYaml(runManifests(configOf(), options)));
  expect(printed.map((document) => document.get('kind'))).toEqual(['ConfigMap', 'Job', 'Job']);
});

it('refuses names that no Job may have, with how to mend it', () => {
  const named = (name: string) => () => runManifests(configOf({ name }), options);
  expect(named('a'.repeat(55))).toThrow('has 55 characters; in Kubernetes a run may have 54');
  expect(named('a-')).toThrow('ends with a hyphen, which no Job may: rename the run by --set name');
  expect(() => runManifests(configOf(), { ...options, cluster: '1' })).toThrow('"1" cannot be');
});

it('knows which text pods do not see', () => {
  const config = configOf({
    corpus: {
      parts: [
        { name: 'a', path: '/data/a' },
        { name: 'b', path: '/data-2/b' },
        { name: 'c', path: '/app/corpus/c.txt' },
        { name: 'd', path: 'hf://datasets/x/y' },
      ],
    },
    vocabulary: { path: '/data/vocab.txt' },
  });
  const claims = [{ name: 'text', path: '/data' }];
  expect(pathsOutOfSight(config, claims)).toEqual(['/data-2/b']);
});

it('refuses kernels that there are not', () => {
  expect(() => selectorOfKernels('avx3')).toThrow('--kernels avx3: it is one of sse41, avx, avx2');
});

it('sizes a pod by its model, and its grace period by saves that were measured', () => {
  expect([graceSecondsFor(1e6), graceSecondsFor(110e6), graceSecondsFor(110e6, 4_000)]).toEqual([
    30, 116, 30,
  ]);
  expect(graceSecondsFor(110e6, 20_000)).toBe(50);
  expect([memoryFor(4e6), memoryFor(110e6), memoryFor(335e6)]).toEqual(['2Gi', '6Gi', '14Gi']);
});

it('writes what kubectl, which reads YAML 1.1, takes for the same', () => {
  const service = { cluster: 'berth', secret: 'berth', image: 'redis:7', size: '1Gi' };
  const manifests = redisManifests(service);
  const read = parseAllDocuments(toYaml(manifests), { version: '1.1' });
  expect(JSON.stringify(manifests)).toContain('"yes"');
  expect(read.map((document) => document.toJS())).toEqual(manifests);
});
