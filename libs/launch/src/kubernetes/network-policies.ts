import type { Manifest } from './manifest.ts';
import {
  coordinatorPort,
  labelsOf,
  metricsPort,
  ownComponents,
  peerPort,
  redisPort,
  relayPort,
  selectorOf,
  storePort,
  type Component,
} from './names.ts';

/** Who may reach what runs train. What they reach themselves is not limited: the bucket may be anywhere. */
export function networkPolicies(cluster: string): Manifest[] {
  return [
    // It asks for a token, and its relay for proof of the secret.
    policy(cluster, 'coordinator', [{ ports: [tcp(coordinatorPort), tcp(relayPort)] }]),
    policy(cluster, 'worker', [
      {
        from: [{ podSelector: { matchLabels: selectorOf(cluster, 'worker') } }],
        ports: [tcp(peerPort)],
      },
      { from: [{ namespaceSelector: {} }], ports: [tcp(metricsPort)] },
    ]),
    policy(cluster, 'data-worker', []),
    policy(cluster, 'submission', []),
  ];
}

/** Only what runs train reaches a service that is in the cluster. */
export function servicePolicy(cluster: string, component: 'redis' | 'store'): Manifest {
  const { 'app.kubernetes.io/component': _component, ...matchLabels } = selectorOf(
    cluster,
    component,
  );
  const own = {
    matchLabels,
    matchExpressions: [
      { key: 'app.kubernetes.io/component', operator: 'In', values: [...ownComponents] },
    ],
  };
  const port = component === 'redis' ? redisPort : storePort;
  return policy(cluster, component, [{ from: [{ podSelector: own }], ports: [tcp(port)] }]);
}

function tcp(port: number): Record<string, unknown> {
  return { protocol: 'TCP', port };
}

function policy(
  cluster: string,
  component: Component,
  ingress: readonly Record<string, unknown>[],
): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `${cluster}-${component}`, labels: labelsOf(cluster, component) },
    spec: {
      podSelector: { matchLabels: selectorOf(cluster, component) },
      policyTypes: ['Ingress'],
      ingress,
    },
  };
}
