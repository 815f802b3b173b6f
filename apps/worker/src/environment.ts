import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  readVariables,
  requirePeerSecret,
  requireServices,
  workerVariables,
  type Environment,
  type Services,
} from '@berth/contracts';
import type { Endpoint } from '@berth/collectives';
import { corpusSources, type CorpusSources } from './corpus-sources.ts';
import type { ComputeSettings } from './device/device.ts';
import type { CloudOptions } from './notices/find-cloud.ts';
import type { MetricsPlace } from './telemetry/metrics-server.ts';
import type { TrainerPlace } from './telemetry/trainer-status.ts';

/** What a worker is told by its environment. */
export interface WorkerEnvironment extends ComputeSettings {
  readonly services: Services;
  /** What workers prove to each other that they have; empty for one that never trains. */
  readonly secret: string;
  /** What started it, as a short word. */
  readonly engine: string;
  /** The one run that it is there for, and ends with; undefined for whichever is active. */
  readonly run: string | undefined;
  /** How long it waits for that run to appear, or to become one that it can take part in. */
  readonly runWaitMs: number;
  /** From when it is told to leave until it is gone. */
  readonly graceMs: number;
  /** Whose notices that this machine is taken away it heeds, and where they are asked for if not where the cloud has them. */
  readonly notices: CloudOptions['notices'];
  readonly noticesEndpoint: string | undefined;
  /** `data`: it makes data and never trains. */
  readonly role: 'train' | 'data';
  /** Address to listen on for peers. */
  readonly host: string;
  /** Zero: any free one. */
  readonly port: number;
  /** Where peers dial when that is not where this worker listens. */
  readonly advertise: Endpoint | undefined;
  /** False when peers cannot dial it: then it dials them. */
  readonly isReachable: boolean;
  /** Of its link; as its network interface says when left out. */
  readonly linkMbitPerS: number | undefined;
  /** Where Prometheus may ask; nowhere when left out. */
  readonly metricsPlace: MetricsPlace | undefined;
  readonly corpus: CorpusSources;
  /** Where it has what is too large for its memory, in files without names; where the system has its temporary files when left out. */
  readonly scratchFolder: string | undefined;
  /** Where states wait that the bucket does not take; in memory only when left out. */
  readonly spoolFolder: string | undefined;
  /** Its time of change is that of the newest heartbeat that Redis took, for health checks. */
  readonly aliveFile: string | undefined;
  /** Where Kubeflow Trainer is told how far the run is; nowhere outside a TrainJob. */
  readonly trainerPlace: TrainerPlace | undefined;
  /** Folder of orders to misbehave, for chaos only; see `openFaultDoor`. */
  readonly faultDoor: string | undefined;
}

/** @throws BerthError `CONFIG_INVALID` naming the variable that is missing or wrong */
export function readEnvironment(env: Environment): WorkerEnvironment {
  const variables = readVariables(workerVariables, env);
  const { BERTH_METRICS_HOST: host, BERTH_METRICS_PORT: port, BERTH_FOLDER: folder } = variables;
  const services = requireServices(env);
  return {
    ...computeSettings(env),
    services,
    secret:
      variables.BERTH_WORKER_ROLE === 'data'
        ? ''
        : requirePeerSecret(env, (path) => readFileSync(path, 'utf8')),
    engine: variables.BERTH_ENGINE,
    run: variables.BERTH_WORKER_RUN,
    runWaitMs: variables.BERTH_RUN_WAIT_MS,
    graceMs: variables.BERTH_GRACE_MS,
    notices: variables.BERTH_NOTICES,
    noticesEndpoint: variables.BERTH_NOTICES_ENDPOINT,
    role: variables.BERTH_WORKER_ROLE,
    host: variables.BERTH_PEER_HOST,
    port: variables.BERTH_PEER_PORT,
    isReachable: variables.BERTH_PEER_REACHABLE === 'true',
    advertise: variables.BERTH_PEER_ADVERTISE,
    linkMbitPerS: variables.BERTH_LINK_MBIT_PER_S,
    metricsPlace: port === undefined ? undefined : { host, port },
    corpus: corpusSources(variables, services.s3),
    scratchFolder: folder && join(folder, 'scratch'),
    spoolFolder: folder && join(folder, 'spool'),
    aliveFile: variables.BERTH_ALIVE_FILE,
    trainerPlace:
      variables.KUBEFLOW_TRAINER_SERVER_URL === undefined
        ? undefined
        : {
            url: variables.KUBEFLOW_TRAINER_SERVER_URL,
            caFile: variables.KUBEFLOW_TRAINER_SERVER_CA_CERT,
            tokenFile: variables.KUBEFLOW_TRAINER_SERVER_TOKEN,
          },
    faultDoor: variables.BERTH_FAULT_DOOR,
  };
}

const computeVariables = workerVariables.pick({ BERTH_DEVICE: true, BERTH_NUM_THREADS: true });

/** The part that decides what a worker computes on. @throws BerthError `CONFIG_INVALID` */
export function computeSettings(env: Environment): ComputeSettings {
  const variables = readVariables(computeVariables, env);
  return { device: variables.BERTH_DEVICE, numThreads: variables.BERTH_NUM_THREADS };
}
