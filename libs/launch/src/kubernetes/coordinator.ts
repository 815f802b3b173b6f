import type { Manifest } from './manifest.ts';
import { coordinatorPort, labelsOf, relayPort, selectorOf } from './names.ts';
import {
  containerSecurity,
  fieldVariable,
  podBasics,
  podSecurity,
  secretVariable,
  servicesOf,
  temporaryMount,
  temporaryVolume,
  variable,
} from './pod-parts.ts';

export interface CoordinatorOptions {
  /** Name of the cluster. */
  readonly cluster: string;
  /** The Secret with where services are, the token, and what workers prove to each other. */
  readonly secret: string;
  readonly image: string;
}

/** What other pods call it. */
export function coordinatorName(cluster: string): string {
  return `${cluster}-coordinator`;
}

/** Two coordinators, one of which stands by, behind one name; one of them always stays when nodes are emptied. */
export function coordinatorManifests(options: CoordinatorOptions): Manifest[] {
  const { cluster } = options;
  const name = coordinatorName(cluster);
  const labels = labelsOf(cluster, 'coordinator');
  const matchLabels = selectorOf(cluster, 'coordinator');
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, labels },
      spec: {
        selector: matchLabels,
        ports: [{ name: 'http', port: coordinatorPort, targetPort: 'http' }],
      },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name, labels },
      spec: { minAvailable: 1, selector: { matchLabels } },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels },
      spec: {
        replicas: 2,
        selector: { matchLabels },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } },
        template: {
          metadata: { labels },
          spec: {
            ...podBasics,
            securityContext: podSecurity(),
            terminationGracePeriodSeconds: 30,
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: 'kubernetes.io/hostname',
                whenUnsatisfiable: 'ScheduleAnyway',
                labelSelector: { matchLabels },
              },
            ],
            containers: [container(name, options)],
            volumes: [temporaryVolume],
          },
        },
      },
    },
  ];
}

function container(name: string, { secret, image }: CoordinatorOptions): Record<string, unknown> {
  return {
    name: 'coordinator',
    image,
    command: ['berth', 'coordinator'],
    env: [
      fieldVariable('NAMESPACE', 'metadata.namespace'),
      fieldVariable('POD_IP', 'status.podIP'),
      variable('BERTH_HTTP_HOST', '0.0.0.0'),
      variable('BERTH_HTTP_PORT', coordinatorPort),
      // By its address Prometheus asks.
      variable(
        'BERTH_HTTP_NAMES',
        [name, `${name}.$(NAMESPACE)`, `${name}.$(NAMESPACE).svc`, '$(POD_IP)'].join(','),
      ),
      secretVariable('BERTH_API_TOKEN', secret),
      // A relay is that of one pod: workers dial the one that their view names, by its address.
      secretVariable('BERTH_SECRET', secret),
      variable('BERTH_RELAY_HOST', '$(POD_IP)'),
      variable('BERTH_RELAY_PORT', relayPort),
      ...servicesOf(secret),
    ],
    ports: [
      { name: 'http', containerPort: coordinatorPort },
      { name: 'relay', containerPort: relayPort },
    ],
    startupProbe: { httpGet: asks('/healthz'), periodSeconds: 2, failureThreshold: 60 },
    readinessProbe: {
      httpGet: asks('/readyz'),
      periodSeconds: 5,
      timeoutSeconds: 4,
      failureThreshold: 2,
    },
    livenessProbe: {
      httpGet: asks('/healthz'),
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    resources: { requests: { cpu: '200m', memory: '512Mi' } },
    securityContext: containerSecurity,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [temporaryMount],
  };
}

/** It answers to names that it knows. */
function asks(path: string): Record<string, unknown> {
  return { path, port: 'http', httpHeaders: [{ name: 'Host', value: 'localhost' }] };
}
