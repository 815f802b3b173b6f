import { coordinatorManifests, type CoordinatorOptions } from './coordinator.ts';
import type { Manifest } from './manifest.ts';
import { requireClusterName } from './names.ts';
import { networkPolicies } from './network-policies.ts';

/**
 * What stays, whatever runs come and go: coordinators and who may reach what. Redis and the bucket are elsewhere, or beside it.
 * @throws BerthError `USAGE` for a name that Kubernetes would not take
 */
export function clusterManifests(options: CoordinatorOptions): Manifest[] {
  const cluster = requireClusterName(options.cluster);
  return [...coordinatorManifests(options), ...networkPolicies(cluster)];
}
