export { type CoordinatorClient, createCoordinatorClient } from './coordinator-client.ts';
export { formatDuration } from './format-duration.ts';
export { clusterSecret } from './local/cluster-secret.ts';
export {
  type Cluster,
  type ClusterOptions,
  type ClusterProcess,
  entryOf,
  findCluster,
  startCluster,
} from './local/cluster.ts';
export { freePort, freePorts } from './local/free-ports.ts';
export { gridOf, type LoadedGrid } from './grid-file.ts';
export { variablesText } from './local/join-files.ts';
export { lockFolder } from './local/folder-lock.ts';
export { folderProblem, makeFolder } from './local/make-folder.ts';
export { makePrivate } from './local/private-folder.ts';
export { Supervised } from './local/supervised-process.ts';
export { configOf, loadConfig, parseSettings, readRunFile, type RunFile } from './run-file.ts';
export { type Disturbances, type RunningServices, startServices } from './services/services.ts';
export { headScript } from './slurm/head-script.ts';
export { sharedFiles, type JobOptions } from './slurm/job-parts.ts';
export { openSharedFolder } from './slurm/shared-folder.ts';
export { createSlurmPrograms } from './slurm/slurm-programs.ts';
export { submitArray, type Submission } from './slurm/submit-array.ts';
export { workerScript } from './slurm/worker-script.ts';
