import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  clusterManifests,
  dataWorkers,
  dataWorkerScaling,
  podMonitors,
  redisManifests,
  runManifests,
  storeManifests,
  toYaml,
  trainingRuntime,
} from '@berth/launch/kubernetes';
import { loadConfig } from '@berth/launch/run-file';

const root = new URL('../../', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

const cluster = 'berth';
const secret = 'berth';
const head = '# Made by `npm run manifests` of libs/launch/src/kubernetes.\n';

/** The defaults of the chart, and what kustomize starts from. */
export const defaults = {
  cluster: { cluster, secret, image: `berth/coordinator:${version}` },
  redis: { cluster, secret, image: 'redis:7.2-alpine', size: '10Gi' },
  store: { cluster, secret, image: 'versity/versitygw:v1.8.0', size: '100Gi' },
  worker: {
    cluster,
    secret,
    image: `berth/worker:${version}`,
    cpu: '1',
    memory: '4Gi',
    hasGpu: false,
    numThreads: 1,
    nodeSelector: {},
    tolerations: [],
    claims: [],
    graceSeconds: 60,
  },
  scaling: { cluster, maxReplicas: 8, prometheusUrl: 'http://prometheus-operated.monitoring:9090' },
  backoffLimit: 100,
};

/** The run of configs/demo.yaml, with the text where berth's images have it. */
function demo() {
  const { config } = loadConfig(fileURLToPath(new URL('configs/demo.yaml', root)), [
    'corpus.path=/app/corpus/sotu.jsonl.gz',
  ]);
  return runManifests(config, {
    ...defaults.worker,
    memory: '2Gi',
    coordinatorImage: defaults.cluster.image,
    numWorkers: config.cluster.numWorkers,
    backoffLimit: defaults.backoffLimit,
    submits: true,
  });
}

/**
 * What lies in infra/kubernetes beside the chart.
 * @returns {Map<string, string>} texts by path, from the root
 */
export function manifestFiles() {
  const worker = { ...defaults.worker };
  const named = { name: 'berth', backoffLimit: defaults.backoffLimit };
  return new Map([
    ...kustomization('base', 'cluster', clusterManifests(defaults.cluster)),
    ...kustomization('components/redis', 'redis', redisManifests(defaults.redis)),
    ...kustomization('components/store', 'store', storeManifests(defaults.store)),
    ...kustomization('components/data-workers', 'data-workers', [dataWorkers(worker)]),
    ...kustomization('components/autoscaling', 'scaled-object', [
      dataWorkerScaling(defaults.scaling),
    ]),
    ...kustomization('components/monitoring', 'pod-monitors', podMonitors(cluster, secret)),
    ...file('kubeflow/training-runtime.yaml', [trainingRuntime(worker, named)]),
    ...file('examples/demo.yaml', demo()),
  ]);
}

/**
 * @param {string} path - from infra/kubernetes
 * @param {import('@berth/launch/kubernetes').Manifest[]} manifests
 * @returns {[string, string][]}
 */
function file(path, manifests) {
  return [[`infra/kubernetes/${path}`, head + toYaml(manifests)]];
}

/**
 * @param {string} folder - from infra/kubernetes
 * @param {string} name - of the file with the manifests
 * @param {import('@berth/launch/kubernetes').Manifest[]} manifests
 * @returns {[string, string][]}
 */
function kustomization(folder, name, manifests) {
  const about =
    folder === 'base'
      ? { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' }
      : { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component' };
  const lines = [`apiVersion: ${about.apiVersion}`, `kind: ${about.kind}`, 'resources:'];
  const text = `${lines.join('\n')}\n  - ${name}.yaml\n`;
  return [
    [`infra/kubernetes/${folder}/kustomization.yaml`, head + text],
    ...file(`${folder}/${name}.yaml`, manifests),
  ];
}
