import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createMetrics } from '@berth/observability/prometheus';
import {
  clusterManifests,
  dataWorkers,
  dataWorkerScaling,
  jobsQuery,
  podMonitors,
  redisManifests,
  selectorOfKernels,
  storeManifests,
  workerJob,
  type Manifest,
} from '@berth/launch/kubernetes';
import { expect, it } from 'vitest';
import { isaLevel } from '../../libs/graph/src/isa-levels.ts';
import { defaults, manifestFiles } from './files.mjs';

const root = new URL('../../', import.meta.url);
const chart = fileURLToPath(new URL('infra/kubernetes/chart', root));

it('are what libs/launch makes; npm run manifests makes them so', () => {
  for (const [path, text] of manifestFiles())
    expect([path, readFileSync(new URL(path, root), 'utf8')]).toEqual([path, text]);
});

it('scale by a gauge that coordinators export', async () => {
  const [, name] = /\b(berth_\w+)\{/.exec(jobsQuery) ?? [];
  const metrics = createMetrics({});
  metrics.queue('berth-jobs', { waiting: 3, active: 1, delayed: 0, failed: 0 });
  const page = await metrics.text();
  for (const state of ['waiting', 'active', 'delayed'])
    expect(page).toContain(`${name}{queue="berth-jobs",state="${state}"}`);
});

it('select nodes by the kernels that oneDNN chooses there', () => {
  const others: Record<string, string> = { FMA3: 'fma', AVXVNNI: 'avx_vnni' };
  const flagOf = (label: string): string => {
    const feature = label.split('.').at(-1) ?? '';
    const flag = feature
      .toLowerCase()
      .replace(/^(avx512)(vnni|bf16|fp16)$|^(amx)(.+)$/, '$1$3_$2$4');
    return others[feature] ?? flag;
  };
  for (const level of ['avx', 'avx2', 'avx512_core', 'avx512_core_fp16', 'avx512_core_amx_fp16']) {
    const labels = Object.keys(selectorOfKernels(level)).filter((label) => label.includes('cpuid'));
    expect(isaLevel(new Set(['sse4_1', ...labels.map(flagOf)]))).toBe(level);
  }
});

const hasHelm = ((): boolean => {
  try {
    execFileSync('helm', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** What the chart makes of values, as objects by kind and name. */
function rendered(...values: string[]): Map<string, unknown> {
  const printed = execFileSync(
    'helm',
    ['template', 'berth', chart, ...values.flatMap((value) => ['--set', value])],
    { encoding: 'utf8' },
  );
  return byName(parseAll(printed));
}

/** The library for YAML is that of libs/launch alone. */
function parseAll(text: string): Manifest[] {
  const program =
    'import { parseAllDocuments } from "yaml"; let text = ""; for await (const part of process.stdin) text += part; console.log(JSON.stringify(parseAllDocuments(text).map((one) => one.toJS()).filter(Boolean)))';
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    input: text,
    cwd: fileURLToPath(new URL('libs/launch', root)),
    encoding: 'utf8',
  });
  return JSON.parse(printed) as Manifest[];
}

function byName(manifests: readonly Manifest[]): Map<string, unknown> {
  return new Map(
    manifests
      .map((one): [string, unknown] => [`${one.kind} ${one.metadata.name}`, one])
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

it.runIf(hasHelm)('are those of the chart', () => {
  expect(rendered()).toEqual(byName(clusterManifests(defaults.cluster)));
  const everything = [
    'redis.enabled=true,redis.storageClass=fast,store.enabled=true',
    'dataWorkers.enabled=true,autoscaling.enabled=true,monitoring.enabled=true',
    'run.name=first,run.workers=3,run.gpu=true,run.kernels=avx512_core,run.queue=spot',
    'run.linkMbitPerS=2000000,run.threads=2,run.tolerations[0]=nvidia.com/gpu,run.nodeSelector.pool=a',
    'run.claims[0].name=text,run.claims[0].path=/data',
  ];
  const { worker } = defaults;
  const job = workerJob({
    ...worker,
    cpu: undefined,
    run: 'first',
    numWorkers: 3,
    numThreads: 2,
    hasGpu: true,
    kernels: 'avx512_core',
    linkMbitPerS: 2_000_000,
    nodeSelector: { ...selectorOfKernels('avx512_core'), pool: 'a' },
    queue: 'spot',
    tolerations: ['nvidia.com/gpu'],
    claims: [{ name: 'text', path: '/data' }],
    backoffLimit: defaults.backoffLimit,
  });
  expect(rendered(...everything)).toEqual(
    byName([
      ...clusterManifests(defaults.cluster),
      ...redisManifests({ ...defaults.redis, storageClass: 'fast' }),
      ...storeManifests(defaults.store),
      dataWorkers(worker),
      dataWorkerScaling(defaults.scaling),
      ...podMonitors('berth', 'berth'),
      job,
    ]),
  );
});
