import { BerthError } from '@berth/contracts';

export type Component = 'coordinator' | 'worker' | 'data-worker' | 'submission' | 'redis' | 'store';

/** What runs train: no services. */
export const ownComponents = ['coordinator', 'worker', 'data-worker', 'submission'] as const;

export const coordinatorPort = 7700;
export const relayPort = 7701;
export const peerPort = 7800;
export const metricsPort = 9464;
export const redisPort = 6379;
export const storePort = 7070;

/** Of which run a pod is. */
export const runLabel = 'berth/run';

/** Labels by which pods of a component are selected. @param cluster - its name, with which all of its names begin */
export function selectorOf(cluster: string, component: Component): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'berth',
    'app.kubernetes.io/instance': cluster,
    'app.kubernetes.io/component': component,
  };
}

export function labelsOf(
  cluster: string,
  component: Component,
  run?: string,
): Record<string, string> {
  return {
    ...selectorOf(cluster, component),
    'app.kubernetes.io/part-of': 'berth',
    ...(run !== undefined && { [runLabel]: run }),
  };
}

/** Services begin with a letter, and what is made of the name must fit into 63 characters. */
const clusterPattern = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;

/** @throws BerthError `USAGE` for a name that Kubernetes would not take */
export function requireClusterName(cluster: string): string {
  if (clusterPattern.test(cluster)) return cluster;
  throw new BerthError(
    'USAGE',
    `"${cluster}" cannot be the name of a cluster: up to 32 lower-case letters, digits and hyphens, with a letter first and no hyphen last`,
  );
}

/** Nine more characters are added to it, and Kubernetes takes 63. */
const maxRunNameLength = 54;

/** @throws BerthError `CONFIG_INVALID` for a run whose name cannot be that of a Job */
export function requireJobName(run: string): string {
  const rename = 'rename the run by --set name=NAME';
  if (run.length > maxRunNameLength)
    throw new BerthError(
      'CONFIG_INVALID',
      `name: "${run}" has ${run.length} characters; in Kubernetes a run may have ${maxRunNameLength}, as names of pods are made of it: ${rename}`,
    );
  if (run.endsWith('-'))
    throw new BerthError(
      'CONFIG_INVALID',
      `name: "${run}" ends with a hyphen, which no Job may: ${rename}`,
    );
  return run;
}
