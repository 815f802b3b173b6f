import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { environmentOfServices, type Logger, type Services } from '@berth/contracts';
import {
  makeSettableClock,
  startHttpProxy,
  startTcpProxy,
  type HttpFault,
  type HttpFaultChoice,
  type SettableClock,
  type TcpProxy,
} from '@berth/faults';
import {
  freePorts,
  startCluster,
  startServices,
  type Cluster,
  type Disturbances,
} from '@berth/launch';

export interface TestbedOptions {
  readonly folder: string;
  readonly numWorkers: number;
  readonly numCoordinators: number;
  readonly numThreads: number;
  /** Whether the clock of Redis is to be set; that needs g++. @defaultValue false */
  readonly setsRedisClock?: boolean;
  readonly logger: Logger;
}

/** A cluster on loopback, all of whose connections to the store and between workers pass through proxies. */
export interface Testbed {
  readonly cluster: Cluster;
  /** Where its logs and secret are. */
  readonly folder: string;
  /** Past the proxies. */
  readonly services: Services;
  readonly disturb: Disturbances;
  /** Undefined unless it was asked for. */
  readonly redisClock: SettableClock | undefined;
  /** Decides what happens to the requests to the store from now on. */
  setStoreFaults(choose: HttpFaultChoice): void;
  /** Holds the next request to the store that matches, then passes it on. Resolves once there is one. */
  holdStoreRequest(matches: (request: IncomingMessage) => boolean, holdMs: number): Promise<void>;
  /** In front of each worker, by its index. */
  readonly peers: readonly TcpProxy[];
  /** Folder in which workers find orders to misbehave; see `orderFault`. */
  readonly faultDoor: string;
  close(): Promise<void>;
}

export async function startTestbed(options: TestbedOptions): Promise<Testbed> {
  const { folder, numWorkers, setsRedisClock = false, logger } = options;
  const closers: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  closers.push(closeOnSignal(close));
  try {
    const clockFolder = join(folder, 'clock');
    const redisClock = setsRedisClock ? await makeSettableClock(clockFolder) : undefined;
    closers.push(() => redisClock?.close());
    const running = await startServices(
      folder,
      {},
      logger,
      redisClock && { redisEnvironment: redisClock.env },
    );
    closers.push(() => running.close());
    const { services, disturb } = running;
    let storeFaultOf: HttpFaultChoice = () => 'pass';
    const holds = new Set<{ choose: (request: IncomingMessage) => HttpFault | undefined }>();
    const store = await startHttpProxy(services.s3.endpoint!, (request) => {
      for (const held of holds) {
        const fault = held.choose(request);
        if (fault === undefined) continue;
        holds.delete(held);
        return fault;
      }
      return storeFaultOf(request);
    });
    closers.push(() => store.close());

    const faultDoor = join(folder, 'faults');
    const ports = await freePorts(numWorkers);
    const peers = await Promise.all(
      ports.map((port) => startTcpProxy({ host: '127.0.0.1', port })),
    );
    closers.push(() => peers.forEach((peer) => peer.close()));
    const cluster = await startCluster({
      ...options,
      env: {
        ...environmentOfServices({ ...services, s3: { ...services.s3, endpoint: store.url } }),
        BERTH_FOLDER: folder,
      },
      workerEnvironment: (index) => {
        const { host, port } = peers[index]!.endpoint;
        return {
          BERTH_PEER_PORT: String(ports[index]),
          BERTH_PEER_ADVERTISE: `${host}:${port}`,
          BERTH_FAULT_DOOR: faultDoor,
        };
      },
      say: () => undefined,
    });
    closers.push(() => cluster.close());
    return {
      cluster,
      folder,
      services,
      disturb,
      redisClock,
      setStoreFaults(choose) {
        storeFaultOf = choose;
      },
      holdStoreRequest: (matches, holdMs) =>
        new Promise((resolve) => {
          const choose = (request: IncomingMessage): HttpFault | undefined => {
            if (!matches(request)) return undefined;
            resolve();
            return { holdMs };
          };
          holds.add({ choose });
        }),
      peers,
      faultDoor,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Ends the program, but not before its processes. @returns what undoes it */
function closeOnSignal(close: () => Promise<void>): () => void {
  const listeners = Object.entries({ SIGINT: 130, SIGTERM: 143 }).map(([signal, exitCode]) => {
    const end = (): void => void close().finally(() => process.exit(exitCode));
    process.once(signal, end);
    return () => process.off(signal, end);
  });
  return () => listeners.forEach((undo) => undo());
}
