import type { PodTemplate } from './manifest.ts';
import { labelsOf, metricsPort, peerPort } from './names.ts';
import {
  containerSecurity,
  fieldVariable,
  podBasics,
  podSecurity,
  secretVariable,
  servicesOf,
  temporaryMount,
  temporaryVolume,
  variable,
  type Variable,
} from './pod-parts.ts';

/** A volume that is there already, with text, mounted for reading where run files say it is. */
export interface Claim {
  readonly name: string;
  readonly path: string;
}

export interface WorkerPodOptions {
  /** Name of the cluster. */
  readonly cluster: string;
  readonly secret: string;
  readonly image: string;
  /** Cores, as Kubernetes has them; those of its threads when left out. */
  readonly cpu?: string | undefined;
  /** As Kubernetes has it, such as `16Gi`. */
  readonly memory: string;
  /** A worker computes on one. */
  readonly hasGpu: boolean;
  readonly numThreads: number;
  /** The kernels that it computes by, of those that its node has; all that the node has when left out. */
  readonly kernels?: string | undefined;
  /** Of its node's link: that of the pod, which is all it sees, is made up. Nobody knows it when left out. */
  readonly linkMbitPerS?: number | undefined;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Keys of taints that it does not mind. */
  readonly tolerations: readonly string[];
  readonly claims: readonly Claim[];
  /** From when the pod is told to end until it is killed. */
  readonly graceSeconds: number;
}

const aliveFile = '/tmp/berth-alive';
/** For the last words, after the worker's own deadline. */
const marginSeconds = 5;
/** Redis may be away for as long as it takes to be started on another node: until then nobody loses its state for it. */
const silenceMs = 600_000;

/** The pod of a worker that trains one run. @param run - `BERTH_WORKER_RUN` */
export function workerPod(options: WorkerPodOptions, run: Variable): PodTemplate {
  const { cluster, secret, hasGpu, numThreads, kernels, linkMbitPerS, graceSeconds } = options;
  return {
    metadata: { labels: labelsOf(cluster, 'worker') },
    spec: {
      ...placed(options),
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: graceSeconds,
      containers: [
        {
          ...container(options, [
            run,
            variable('BERTH_GRACE_MS', (graceSeconds - marginSeconds) * 1000),
            variable('BERTH_DEVICE', hasGpu ? 'gpu' : 'cpu'),
            variable('BERTH_NUM_THREADS', numThreads),
            ...(kernels === undefined ? [] : [variable('ONEDNN_MAX_CPU_ISA', kernels)]),
            fieldVariable('BERTH_PEER_HOST', 'status.podIP'),
            variable('BERTH_PEER_PORT', peerPort),
            ...(linkMbitPerS === undefined
              ? []
              : [variable('BERTH_LINK_MBIT_PER_S', linkMbitPerS)]),
            fieldVariable('BERTH_METRICS_HOST', 'status.podIP'),
            variable('BERTH_METRICS_PORT', metricsPort),
            secretVariable('BERTH_SECRET', secret),
          ]),
          ports: [
            { name: 'peers', containerPort: peerPort },
            { name: 'metrics', containerPort: metricsPort },
          ],
          // What a run needs may take minutes to load and compile; then its heartbeat tells that it lives.
          startupProbe: asked('/healthz', { periodSeconds: 5, failureThreshold: 240 }),
          readinessProbe: asked('/readyz', { periodSeconds: 5, failureThreshold: 1 }),
          livenessProbe: isAlive,
        },
      ],
    },
  };
}

/** The pod of a worker that makes data for all runs and never trains. */
export function dataWorkerPod(options: WorkerPodOptions): PodTemplate {
  const { cluster, graceSeconds } = options;
  return {
    metadata: { labels: labelsOf(cluster, 'data-worker') },
    spec: {
      ...placed(options),
      terminationGracePeriodSeconds: graceSeconds,
      containers: [
        {
          ...container(options, [
            variable('BERTH_WORKER_ROLE', 'data'),
            variable('BERTH_GRACE_MS', (graceSeconds - marginSeconds) * 1000),
          ]),
          startupProbe: { ...isAlive, periodSeconds: 5, failureThreshold: 60 },
          livenessProbe: isAlive,
        },
      ],
    },
  };
}

const isAlive = {
  exec: {
    command: [
      'node',
      '-e',
      `process.exit(Date.now() - fs.statSync(process.env.BERTH_ALIVE_FILE).mtimeMs < ${silenceMs} ? 0 : 1)`,
    ],
  },
  periodSeconds: 30,
  timeoutSeconds: 20,
  failureThreshold: 3,
};

function asked(path: string, times: Record<string, number>): Record<string, unknown> {
  return { httpGet: { path, port: 'metrics' }, timeoutSeconds: 5, ...times };
}

/** Where it runs and what it may. */
function placed({ nodeSelector, tolerations, claims }: WorkerPodOptions): Record<string, unknown> {
  return {
    ...podBasics,
    securityContext: podSecurity(),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...(tolerations.length > 0 && {
      tolerations: tolerations.map((key) => ({ key, operator: 'Exists' })),
    }),
    volumes: [
      temporaryVolume,
      ...claims.map(({ name }, index) => ({
        name: `text-${index}`,
        persistentVolumeClaim: { claimName: name, readOnly: true },
      })),
    ],
  };
}

function container(
  { secret, image, cpu, memory, hasGpu, numThreads, claims }: WorkerPodOptions,
  variables: readonly Variable[],
): Record<string, unknown> {
  const gpu = hasGpu ? { 'nvidia.com/gpu': 1 } : {};
  return {
    name: 'worker',
    image,
    command: ['berth', 'worker'],
    env: [
      variable('BERTH_ENGINE', 'kubernetes'),
      fieldVariable('BERTH_WORKER_NAME', 'metadata.name'),
      ...variables,
      variable('BERTH_FOLDER', '/tmp/berth'),
      variable('BERTH_ALIVE_FILE', aliveFile),
      ...servicesOf(secret),
    ],
    resources: {
      requests: { cpu: cpu ?? String(numThreads), memory, ...gpu },
      ...(hasGpu && { limits: gpu }),
    },
    securityContext: containerSecurity,
    // The last line of its log says why it ended.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [temporaryMount, ...mountsOf(claims)],
  };
}

/** How claims are mounted, by the volumes' names `text-0`, `text-1` and so on. */
export function mountsOf(claims: readonly Claim[]): Record<string, unknown>[] {
  return claims.map(({ path }, index) => ({
    name: `text-${index}`,
    mountPath: path,
    readOnly: true,
  }));
}
