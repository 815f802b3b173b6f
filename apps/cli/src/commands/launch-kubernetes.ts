import { BerthError, isBerthError, resolveModelConfig, type RunConfig } from '@berth/contracts';
import { loadConfig } from '@berth/launch';
import {
  changeWorkers,
  applyManifests,
  graceSecondsFor,
  lookAtRun,
  memoryFor,
  pathsOutOfSight,
  runManifests,
  selectorOfKernels,
  toYaml,
  type Claim,
} from '@berth/launch/kubernetes';
import { countParameters } from '@berth/model';
import { buildInfo } from '@berth/observability';
import { findCoordinator } from '../cluster-access.ts';
import type { Context } from '../context.ts';

export interface LaunchKubernetesOptions {
  readonly set: readonly string[];
  readonly workers?: number;
  readonly namespace?: string;
  readonly context?: string;
  readonly cluster: string;
  readonly secret?: string;
  readonly image?: string;
  readonly coordinatorImage?: string;
  readonly gpus: number;
  readonly cpu?: string;
  readonly memory?: string;
  readonly kernels?: string;
  readonly link?: number;
  readonly nodeSelector: readonly string[];
  readonly tolerate: readonly string[];
  readonly claim: readonly string[];
  readonly grace?: number;
  readonly backoffLimit: number;
  readonly queue?: string;
  readonly submit: boolean;
  readonly apply: boolean;
  readonly status: boolean;
}

/** `berth launch kubernetes`: prints the manifests of a run, has a cluster take them, or says how the run stands there. */
export async function launchKubernetes(
  context: Context,
  file: string,
  options: LaunchKubernetesOptions,
): Promise<void> {
  const { config } = loadConfig(file, options.set);
  const place = { namespace: options.namespace, context: options.context };
  const run = { run: config.name, cluster: options.cluster };
  if (options.status) {
    for (const line of await lookAtRun(place, run)) context.print(line);
    return;
  }
  const { version } = buildInfo();
  const claims = options.claim.map(claimOf);
  const numParameters = countParameters(
    resolveModelConfig(config.model, config.vocabulary.size),
  ).preTraining;
  const numWorkers = options.workers ?? config.cluster.numWorkers;
  const hasGpu = options.gpus > 0;
  const manifests = runManifests(config, {
    namespace: options.namespace,
    cluster: options.cluster,
    secret: options.secret ?? options.cluster,
    image: options.image ?? `berth/worker${hasGpu ? '-gpu' : ''}:${version}`,
    coordinatorImage: options.coordinatorImage ?? `berth/coordinator:${version}`,
    numWorkers,
    hasGpu,
    cpu: options.cpu,
    memory: options.memory ?? memoryFor(numParameters),
    kernels: options.kernels,
    linkMbitPerS: options.link,
    nodeSelector: {
      ...(options.kernels !== undefined && selectorOfKernels(options.kernels)),
      ...Object.fromEntries(options.nodeSelector.map((text) => pairOf('--node-selector', text))),
    },
    tolerations: options.tolerate,
    claims,
    graceSeconds: options.grace ?? graceSecondsFor(numParameters, await savedIn(context, config)),
    backoffLimit: options.backoffLimit,
    queue: options.queue,
    submits: options.submit,
  });
  for (const path of pathsOutOfSight(config, claims))
    context.say(
      `warning: ${path} is a path of this machine, which pods do not see: mount a volume that has it by --claim NAME=${path}, or name text in the bucket, s3://...`,
    );
  if (!options.apply) {
    context.print(toYaml(manifests).trimEnd());
    return;
  }
  const isChanged = await changeWorkers(place, config.name, numWorkers);
  const others = manifests.filter(({ metadata }) => metadata.name !== config.name);
  for (const line of await applyManifests(place, isChanged ? others : manifests))
    context.print(line);
  if (isChanged)
    context.print(
      `job ${config.name} is there: it has ${numWorkers} workers from now on, and else stays as it is`,
    );
  context.say(
    `look at it by ${context.berth} launch kubernetes ${file} --status, or on the coordinator's page`,
  );
}

/** What saving the run took lately, where a coordinator is known that has it. */
async function savedIn(context: Context, { name }: RunConfig): Promise<number | undefined> {
  try {
    return (await findCoordinator(context)?.status(name))?.saved?.durationMs;
  } catch (error) {
    if (!isBerthError(error)) throw error;
    if (error.code !== 'RUN_NOT_FOUND')
      context.say(`note: how long a save takes is taken from the model's size: ${error.message}`);
    return undefined;
  }
}

function pairOf(option: string, text: string): [name: string, value: string] {
  const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new BerthError('USAGE', `${option} ${text}: write it as name=value`);
}

function claimOf(text: string): Claim {
  const [name, path] = pairOf('--claim', text);
  if (path.startsWith('/')) return { name, path };
  throw new BerthError(
    'USAGE',
    `--claim ${text}: write it as name=/path, with the path that run files name`,
  );
}
