import type { Manifest } from './manifest.ts';
import { labelsOf, selectorOf } from './names.ts';

/** What the Prometheus operator is to ask: coordinators, with the token, and workers. */
export function podMonitors(cluster: string, secret: string): Manifest[] {
  return (['coordinator', 'worker'] as const).map((component) => ({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: { name: `${cluster}-${component}`, labels: labelsOf(cluster, component) },
    spec: {
      selector: { matchLabels: selectorOf(cluster, component) },
      podMetricsEndpoints: [
        component === 'coordinator'
          ? {
              port: 'http',
              path: '/metrics',
              authorization: { credentials: { name: secret, key: 'BERTH_API_TOKEN' } },
            }
          : { port: 'metrics', path: '/metrics' },
      ],
    },
  }));
}
