import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  BerthError,
  environmentOfServices,
  requirePeerSecret,
  servicesFromEnvironment,
  type RunConfig,
} from '@berth/contracts';
import {
  configOf,
  createSlurmPrograms,
  entryOf,
  headScript,
  openSharedFolder,
  readRunFile,
  sharedFiles,
  submitArray,
  variablesText,
  workerScript,
  type JobOptions,
  type Submission,
} from '@berth/launch';
import { findCoordinator } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { plural } from '../format.ts';
import { initialModel } from '../initial-model.ts';
import { saysCompleted } from './train.ts';

export interface LaunchSlurmOptions {
  readonly set: readonly string[];
  readonly workers?: number;
  readonly shared?: string;
  readonly partition?: string;
  readonly account?: string;
  readonly time?: string;
  readonly gpus: number;
  readonly cpus?: number;
  readonly memory?: string;
  /** In seconds. */
  readonly grace: number;
  readonly directive: readonly string[];
  readonly headDirective: readonly string[];
  readonly image?: string;
  readonly submit: boolean;
}

/** How long tasks wait for the coordinator, which may be requeued and wait for a node meanwhile. */
const headTimeoutMs = 1_800_000;

/** Where the image has what this checkout has; see infra/docker. */
const workerOfImage = ['berth', 'worker'];

/**
 * `berth launch slurm`: makes a run's shared folder and scripts, and prints these, or submits them; where the run has an array
 * already, brings it to the size that is wanted.
 * @throws BerthError `CONFIG_INVALID` for a folder that is open to others, or services that are named in part; as `submitArray`
 */
export async function launchSlurm(
  context: Context,
  file: string,
  options: LaunchSlurmOptions,
): Promise<void> {
  const runFile = readRunFile(file, options.set);
  const elsewhere = variablesElsewhere(context);
  const model = elsewhere === undefined ? undefined : await initialModel(context, runFile);
  const { config } = configOf(runFile, model);
  const numWorkers = options.workers ?? config.cluster.numWorkers;
  const sharedFolder = resolve(options.shared ?? join(context.folder, 'slurm', config.name));
  const shared = openSharedFolder(sharedFolder);
  const job = jobOf(config, sharedFolder, shared.marker, options);
  const command =
    options.image === undefined
      ? [process.execPath, entryOf('@berth/worker/program')]
      : workerOfImage;
  const { numThreads } = config.cluster;
  const scriptOf = (array: string): string =>
    workerScript({ ...job, array, command, image: options.image, numThreads });
  const first = scriptOf(`0-${numWorkers - 1}`);

  shared.write(sharedFiles.runFile, JSON.stringify(runFile.input, null, 2));
  if (elsewhere !== undefined) shared.write(sharedFiles.workerVariables, elsewhere);
  const head = elsewhere === undefined ? headOf(job, options) : undefined;
  const headFile = head === undefined ? undefined : shared.write(sharedFiles.headScript, head);
  if (!options.submit) {
    const workersFile = shared.write(sharedFiles.workersScript, first);
    context.print([...(head === undefined ? [] : [head]), first].join('\n'));
    context.say(`wrote ${[headFile, workersFile].filter(Boolean).join(' and ')}`);
    context.say(`next: the same command with --submit, or ${byHand(headFile, workersFile)}`);
    return;
  }
  const slurm = createSlurmPrograms({ ...context.env });
  if (elsewhere !== undefined && !(await submitRun(context, config))) return;
  const submission = await submitArray(slurm, {
    runName: config.name,
    numWorkers,
    headScript: headFile,
    workersScript: (array) => shared.write(sharedFiles.workersScript, scriptOf(array)),
  });
  for (const line of describe(submission, sharedFolder)) context.say(line);
  const client = join(sharedFolder, sharedFiles.clientVariables);
  context.say(
    headFile === undefined
      ? `look: ${context.berth} status ${config.name}`
      : `look: (set -a; . ${client}; ${context.berth} status ${config.name})`,
  );
}

/**
 * What workers need of a cluster that runs elsewhere; undefined where none is named, so that one is to be a job.
 * @throws BerthError `CONFIG_INVALID` for one that is named in part
 */
function variablesElsewhere({ env }: Context): string | undefined {
  const { redisUrl, s3 } = servicesFromEnvironment(env);
  if (redisUrl !== undefined && s3 !== undefined) {
    const secret = requirePeerSecret(env, (path) => readFileSync(path, 'utf8'));
    return variablesText({ ...environmentOfServices({ redisUrl, s3 }), BERTH_SECRET: secret });
  }
  if (redisUrl === undefined && s3 === undefined && !env['BERTH_COORDINATOR_URL']) return undefined;
  const missing = redisUrl === undefined ? 'Redis (REDIS_URL)' : 'the bucket (BERTH_S3_BUCKET)';
  throw new BerthError(
    'CONFIG_INVALID',
    `The cluster that the workers are to join is named in part, without ${missing}; name all of it, or nothing for one that is a job too`,
  );
}

function jobOf(
  config: RunConfig,
  sharedFolder: string,
  marker: string,
  options: LaunchSlurmOptions,
): JobOptions {
  return {
    runName: config.name,
    sharedFolder,
    marker,
    graceMs: options.grace * 1000,
    headTimeoutMs,
    resources: {
      partition: options.partition,
      account: options.account,
      timeLimit: options.time,
      numGpus: options.gpus,
      numCpus: options.cpus ?? config.cluster.numThreads,
      memory: options.memory,
      more: options.directive,
    },
  };
}

/** The coordinator computes little and has no GPU. */
function headOf(
  job: JobOptions,
  { account, partition, headDirective }: LaunchSlurmOptions,
): string {
  const isNamed = headDirective.some((option) => option.startsWith('--partition='));
  return headScript({
    ...job,
    command: [process.execPath, resolve(process.argv[1] ?? '')],
    resources: {
      partition: isNamed ? undefined : partition,
      account,
      numGpus: 0,
      numCpus: 1,
      more: headDirective,
    },
  });
}

/** @returns false when the run is completed, so that there is nothing to launch */
async function submitRun(context: Context, config: RunConfig): Promise<boolean> {
  const client = findCoordinator(context);
  if (client === undefined) {
    context.say(
      `workers wait for the run ${config.name}: no coordinator is named (BERTH_COORDINATOR_URL) that it could be submitted to from here`,
    );
    return true;
  }
  try {
    await client.submit(config, 'trained');
    return true;
  } catch (error) {
    if (!saysCompleted(error)) throw error;
    context.say(`run "${config.name}" is completed`);
    return false;
  }
}

function byHand(headFile: string | undefined, workersFile: string): string {
  return headFile === undefined
    ? `sbatch ${workersFile}`
    : `sbatch --dependency=after:$(sbatch --parsable ${headFile}) ${workersFile}`;
}

function describe(submission: Submission, sharedFolder: string): string[] {
  const { head, arrayId, kept, missing, surplus } = submission;
  const numEnding = kept.filter(({ state }) => state === 'COMPLETING').length;
  const has = head?.wasThere === true ? 'has already' : 'has';
  return [
    ...(head === undefined ? [] : [`job ${head.id} ${has} Redis, the bucket and the coordinator`]),
    ...(arrayId === undefined
      ? []
      : [`job ${arrayId} is ${plural(missing.length, 'worker')}, as an array`]),
    ...(kept.length === 0
      ? []
      : [`${plural(kept.length, 'worker')} of before ${kept.length === 1 ? 'stays' : 'stay'}`]),
    ...(surplus.length === 0
      ? []
      : [
          `${plural(surplus.length, 'worker')} ${surplus.length === 1 ? 'leaves' : 'leave'} after the step under way: ${surplus.map(({ id }) => id).join(', ')}`,
        ]),
    ...(numEnding === 0
      ? []
      : [
          `${numEnding} of them ${numEnding === 1 ? 'is' : 'are'} ending; ask again if none returns`,
        ]),
    `tasks, and why one failed: squeue --me --states=all --array --format '%i %T %N %k'; logs are in ${join(sharedFolder, sharedFiles.logs)}`,
  ];
}
