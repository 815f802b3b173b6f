import { join } from 'node:path';
import { environmentOfServices, parseRunConfig, silentLogger } from '@berth/contracts';
import {
  createCoordinatorClient,
  freePort,
  startServices,
  Supervised,
  type CoordinatorClient,
  type RunningServices,
} from '@berth/launch';
import { connectRedis, createMembers } from '@berth/queue';
import type { Release } from './later-release.ts';
import { UpgradeWatch } from './upgrade-watch.ts';

const token = 'token-of-this-test-alone';
const secret = 'a secret of this test alone';
const readyTimeoutMs = 300_000;

type App = 'coordinator' | 'worker';

/** A process, and the one that takes its place. */
export interface Place {
  readonly app: App;
  readonly name: string;
  child: Supervised;
}

/** Services, and processes of two releases, of which one run is watched. */
export interface UpgradeCluster {
  readonly services: RunningServices;
  readonly watch: UpgradeWatch;
  /** Processes that ended by themselves. */
  readonly deaths: readonly string[];
  start(app: App, release: Release): Promise<Place>;
  /** Starts one of a release beside another, and ends that once it has taken its part. */
  replace(place: Place, release: Release): Promise<void>;
  submit(runFile: object): Promise<void>;
  /** Asks the coordinator that was started last, and waits until the checkpoint is there. */
  askForCheckpoint(): Promise<void>;
  /** What Redis holds, as it was written. */
  text(of: 'record' | 'view' | 'ledger' | 'heartbeats'): Promise<string>;
  /** Of all workers that live. */
  versions(): Promise<readonly (string | null)[]>;
  /** Lets the run end after some more steps. @returns all of its steps */
  finish(numLastSteps: number, runFile: (numSteps: number) => object): Promise<number>;
  stop(): Promise<void>;
}

export async function startUpgradeCluster(folder: string, runId: string): Promise<UpgradeCluster> {
  const services = await startServices(folder, {}, silentLogger);
  const connection = await connectRedis(services.services.redisUrl, { role: 'producer' });
  const watch = await UpgradeWatch.open(connection, services.services.redisUrl, runId);
  const deaths: string[] = [];
  const places: Place[] = [];
  let client: CoordinatorClient | undefined;
  let numStarted = 0;

  const launch = async (app: App, name: string, { entryOf, env }: Release): Promise<Supervised> => {
    const child = new Supervised({
      name: `${name}-${++numStarted}`,
      entry: entryOf(app),
      env: {
        ...environmentOfServices(services.services),
        BERTH_FOLDER: folder,
        BERTH_SECRET: secret,
        ...(app === 'coordinator'
          ? { BERTH_HTTP_PORT: String(await freePort()), BERTH_API_TOKEN: token }
          : { BERTH_WORKER_NAME: name, BERTH_NUM_THREADS: '1', BERTH_DEVICE: 'cpu' }),
        ...env,
      },
      logFolder: join(folder, 'logs'),
      readyTimeoutMs,
      say: () => undefined,
      onRestart: ({ how }) => deaths.push(`${name} ${how}`),
    });
    await child.start();
    if (app === 'coordinator')
      client = createCoordinatorClient(said(child).url, { token, isOurs: true });
    return child;
  };
  const submit = async (runFile: object): Promise<void> => {
    await client!.submit(parseRunConfig(runFile, 'test'), 'trained');
  };
  const statusIs = (status: string): Promise<void> =>
    watch.until(status, () => watch.run.record?.status === status);

  return {
    services,
    watch,
    deaths,
    submit,
    async start(app, release) {
      const name = `${app}-${places.length}`;
      const place = { app, name, child: await launch(app, name, release) };
      places.push(place);
      return place;
    },
    async replace(place, release) {
      const { app, name, child: old } = place;
      place.child = await launch(app, name, release);
      if (app === 'worker') {
        const [{ memberId }, { memberId: before }] = [said(place.child), said(old)];
        await watch.until('a step of the new worker', () => isIn(memberId));
        await old.stop();
        await watch.until('a step without the old worker', () => !isIn(before));
      } else {
        const { coordinatorId: before } = said(old);
        await old.stop();
        await watch.until('a leader', () => ![undefined, before].includes(watch.run.leaderId));
      }
    },
    async askForCheckpoint() {
      const { numCommitted } = watch.run;
      await client!.control(runId, 'checkpoint');
      await watch.until(
        'the checkpoint',
        () => (watch.run.record?.keptSteps.at(-1) ?? 0) >= numCommitted,
      );
    },
    async text(of) {
      const key = (name: string): string => `berth:{${runId}}:${name}`;
      switch (of) {
        case 'record':
          return (await connection.client.get(key('record'))) ?? '';
        case 'view':
          return (await connection.client.hget(key('view'), 'json')) ?? '';
        case 'ledger':
          return (await connection.client.lindex(key('ledger'), -1)) ?? '';
        case 'heartbeats':
          return (await connection.client.hvals('berth:members')).join('\n');
      }
    },
    async versions() {
      const members = await createMembers(connection).list();
      return members.map(({ info: { version = null } }) => version);
    },
    async finish(numLastSteps, runFile) {
      await client!.control(runId, 'pause');
      await statusIs('paused');
      const numSteps = watch.run.numCommitted + numLastSteps;
      await submit(runFile(numSteps));
      await statusIs('completed');
      return numSteps;
    },
    async stop() {
      for (const app of ['worker', 'coordinator'] as const)
        await Promise.all(places.filter((one) => one.app === app).map(({ child }) => child.stop()));
      await watch.close();
      connection.close();
      await services.close();
    },
  };

  function isIn(memberId: string): boolean {
    return watch.run.newest?.members.includes(memberId) ?? false;
  }
}

/** What a process said when it was ready. */
function said({ readyMessage }: Supervised): {
  readonly memberId: string;
  readonly coordinatorId: string;
  readonly url: string;
} {
  return readyMessage as ReturnType<typeof said>;
}
