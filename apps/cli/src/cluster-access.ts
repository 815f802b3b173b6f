import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  isBerthError,
  servicesFromEnvironment,
  type ObjectStore,
  type Services,
} from '@berth/contracts';
import {
  findCluster,
  startCluster,
  type Cluster,
  type ClusterOptions,
  createCoordinatorClient,
  type CoordinatorClient,
  makeFolder,
  makePrivate,
  startServices,
  type RunningServices,
} from '@berth/launch';
import type { Context } from './context.ts';
import { requireFolder } from './folder.ts';

type ServicesInUse = Pick<RunningServices, 'services' | 'close'>;

/** Longer than a cluster takes to start, or to end in order. */
const busyTimeoutMs = 60_000;
const pollEveryMs = 50;

/** The coordinator to talk to: named by BERTH_COORDINATOR_URL, or of the cluster that runs from our folder. */
export function findCoordinator(context: Context): CoordinatorClient | undefined {
  const named = context.env['BERTH_COORDINATOR_URL'];
  const running = findCluster(context.folder);
  if (running !== undefined && (named ?? running.coordinatorUrl) === running.coordinatorUrl)
    return createCoordinatorClient(running.coordinatorUrl, {
      token: running.apiToken,
      isOurs: true,
      isKept: () => findCluster(context.folder) !== undefined,
    });
  const token = context.env['BERTH_API_TOKEN'];
  return named === undefined ? undefined : createCoordinatorClient(named, { token, isOurs: false });
}

/** @throws BerthError `RUN_NOT_FOUND` without a folder, `COORDINATOR_UNREACHABLE` when no cluster runs from it */
export function requireCoordinator(context: Context): CoordinatorClient {
  const client = findCoordinator(context);
  if (client !== undefined) return client;
  requireFolder(context);
  throw new BerthError(
    'COORDINATOR_UNREACHABLE',
    `No cluster runs from ${context.folder}; start one with \`${context.berth} up\`, or set BERTH_COORDINATOR_URL`,
  );
}

type ClusterSize = Pick<ClusterOptions, 'numWorkers' | 'numThreads' | 'ownRun'>;

/** Uses the running cluster, or one of its own for as long as `use` takes. */
export async function withCluster<T>(
  context: Context,
  size: ClusterSize,
  use: (client: CoordinatorClient, own: Cluster | undefined) => Promise<T>,
): Promise<T> {
  return withAskedCluster(context, size, {
    ask: async () => undefined,
    use: (_, client, own) => use(client, own),
  });
}

/** What is wanted of a cluster: first asked of its coordinator, then made use of once its workers are there. */
export interface ClusterUse<Answer, T> {
  readonly ask: (client: CoordinatorClient, isOwn: boolean) => Promise<Answer>;
  readonly use: (answer: Answer, client: CoordinatorClient, own: Cluster | undefined) => Promise<T>;
}

/** As `withCluster`. One of its own is asked while its workers still load, so that they find work as soon as they are ready. */
export async function withAskedCluster<Answer, T>(
  context: Context,
  size: ClusterSize,
  { ask, use }: ClusterUse<Answer, T>,
): Promise<T> {
  const { client, own, asked } = await whenFree(context, async () => {
    const running = findCoordinator(context);
    if (running !== undefined)
      return { client: running, own: undefined, asked: ask(running, false) };
    let early: Promise<Answer> | undefined;
    const onCoordinators = (coordinator: CoordinatorClient): void => {
      early = ask(coordinator, true);
      // A refusal is told below, once there is a cluster to end.
      early.catch(() => undefined);
    };
    const started = await startCluster({ ...context, ...size, onCoordinators });
    return { client: started.client, own: started, asked: early ?? ask(started.client, true) };
  });
  try {
    return await use(await asked, client, own);
  } finally {
    await own?.close();
  }
}

/**
 * Redis and the bucket, of the running cluster or started for as long as `use` takes.
 * @throws BerthError `RUN_NOT_FOUND` when there is no folder that could have their data
 */
export async function withServices<T>(
  context: Context,
  use: (services: Services) => Promise<T>,
): Promise<T> {
  const { folder, env, logger } = context;
  const { redisUrl, s3 } = servicesFromEnvironment(env);
  if (redisUrl === undefined || s3 === undefined) requireFolder(context);
  const { services, close } = await whenFree<ServicesInUse>(context, async () => {
    const running = findCluster(folder);
    if (running !== undefined) return { services: running.services, close: async () => undefined };
    if (redisUrl === undefined || s3 === undefined) makePrivate(folder, context.say);
    return startServices(folder, env, logger);
  });
  try {
    return await use(services);
  } finally {
    await close();
  }
}

/**
 * The bucket, of the running cluster or of the folder.
 * @param options.isNew - whether a folder is made where there is none
 * @throws BerthError `CONFIG_INVALID` when it is that of a cluster elsewhere, which nobody has named; `RUN_NOT_FOUND` when there is no
 * folder and none is to be made
 */
export async function withStore<T>(
  context: Context,
  { isNew = false }: { readonly isNew?: boolean },
  use: (store: ObjectStore) => Promise<T>,
): Promise<T> {
  const { folder, env, logger } = context;
  const open = async (s3: Services['s3']): Promise<T> => {
    const { createS3ObjectStore } = await import('@berth/checkpoint');
    const store = createS3ObjectStore(s3, logger);
    try {
      return await use(store);
    } finally {
      store.close();
    }
  };
  const { s3 } = servicesFromEnvironment(env);
  if (s3 !== undefined) return open(s3);
  const named = env['BERTH_COORDINATOR_URL'];
  const isOurs = named === undefined || findCluster(folder)?.coordinatorUrl === named;
  if (!isOurs)
    throw new BerthError(
      'CONFIG_INVALID',
      `The bucket of the cluster at ${named} is not known here; name it: BERTH_S3_BUCKET, AWS_ENDPOINT_URL_S3 and its keys`,
    );
  if (isNew && !existsSync(folder)) makeFolder(folder, 'set BERTH_FOLDER to a folder that can be');
  return withServices(context, (services) => open(services.s3));
}

/**
 * Tries something that needs the folder for itself until no other process starts, ends or reads there.
 * @throws what the last try threw
 */
export async function whenFree<T>(context: Context, attempt: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + busyTimeoutMs;
  for (let numTries = 1; ; numTries++)
    try {
      return await attempt();
    } catch (error) {
      const isBusy = isBerthError(error) && error.code === 'RUN_STATE_CONFLICT';
      if (!isBusy || performance.now() >= deadlineMs) throw error;
      if (numTries === 2) context.say(`waiting: ${error.message}`);
      await sleep(pollEveryMs);
    }
}
