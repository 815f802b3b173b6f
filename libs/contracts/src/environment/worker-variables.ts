import { z } from 'zod';
import { plainEngine } from '../plain-engine.ts';
import { engineSchema } from '../worker-engine.ts';
import { maxThreads } from '../limits.ts';
import {
  countVariable,
  durationVariable,
  endpointVariable,
  portVariable,
} from './read-variables.ts';

/** Twelve ports of 800 Gbit/s. */
const maxLinkMbitPerS = 9_600_000;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** What a worker reads from its environment, beside services and the secret; apps/worker/README.md says what each is. */
export const workerVariables = z.object({
  BERTH_WORKER_NAME: z.string().optional(),
  BERTH_WORKER_RUN: z.string().optional(),
  BERTH_ENGINE: engineSchema.default(plainEngine),
  /** Below the 30 s that Kubernetes, Slurm and others give before they kill. */
  BERTH_GRACE_MS: durationVariable(dayMs).default(25_000),
  BERTH_RUN_WAIT_MS: durationVariable(30 * dayMs).default(10 * minuteMs),
  BERTH_NOTICES: z
    .enum(['auto', 'aws', 'gce', 'azure', 'none'], 'it is auto, aws, gce, azure or none')
    .default('auto'),
  BERTH_NOTICES_ENDPOINT: z
    .url({ protocol: /^http$/, message: 'write http://host:port' })
    .optional(),
  BERTH_WORKER_ROLE: z.enum(['train', 'data'], 'it is train or data').default('train'),
  BERTH_DEVICE: z.enum(['auto', 'cpu', 'gpu'], 'it is gpu, auto or cpu').default('auto'),
  BERTH_NUM_THREADS: countVariable(maxThreads).default(1),
  BERTH_PEER_HOST: z.string().default('127.0.0.1'),
  BERTH_PEER_PORT: portVariable.default(0),
  BERTH_PEER_ADVERTISE: endpointVariable.optional(),
  BERTH_PEER_REACHABLE: z.enum(['true', 'false'], 'it is true or false').default('true'),
  BERTH_LINK_MBIT_PER_S: countVariable(maxLinkMbitPerS).optional(),
  BERTH_METRICS_HOST: z.string().default('127.0.0.1'),
  BERTH_METRICS_PORT: portVariable.optional(),
  BERTH_FOLDER: z.string().optional(),
  BERTH_CORPUS_ROOTS: z.string().optional(),
  BERTH_CORPUS_S3_ENDPOINT: z.string().optional(),
  BERTH_CORPUS_S3_REGION: z.string().optional(),
  BERTH_CORPUS_S3_ACCESS_KEY: z.string().optional(),
  BERTH_CORPUS_S3_SECRET_KEY: z.string().optional(),
  HF_HUB_CACHE: z.string().optional(),
  HF_HOME: z.string().optional(),
  BERTH_ALIVE_FILE: z.string().optional(),
  /** Kubeflow Trainer's, by which a TrainJob is told how far it is. */
  KUBEFLOW_TRAINER_SERVER_URL: z
    .url({ protocol: /^https$/, message: 'write https://host:port/path' })
    .optional(),
  KUBEFLOW_TRAINER_SERVER_CA_CERT: z.string().optional(),
  KUBEFLOW_TRAINER_SERVER_TOKEN: z.string().optional(),
  BERTH_FAULT_DOOR: z.string().optional(),
});
