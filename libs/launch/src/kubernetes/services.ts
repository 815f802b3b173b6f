import type { Manifest } from './manifest.ts';
import { labelsOf, redisPort, selectorOf, storePort } from './names.ts';
import { servicePolicy } from './network-policies.ts';
import {
  containerSecurity,
  podBasics,
  podSecurity,
  secretVariable,
  temporaryMount,
  temporaryVolume,
} from './pod-parts.ts';

export interface ServiceOptions {
  readonly cluster: string;
  readonly secret: string;
  readonly image: string;
  /** Of its volume, such as `10Gi`. */
  readonly size: string;
  /** The cluster's default one when left out. */
  readonly storageClass?: string | undefined;
}

/** A Redis in the cluster, with a password, that loses nothing and evicts nothing. */
export function redisManifests(options: ServiceOptions): Manifest[] {
  return serviceManifests(options, 'redis', {
    port: redisPort,
    // Of the user `redis` in Redis' own image on Alpine.
    security: podSecurity(999, 1000),
    container: {
      command: [
        'redis-server',
        '--requirepass',
        '$(REDIS_PASSWORD)',
        '--appendonly',
        'yes',
        '--appendfsync',
        'everysec',
        '--maxmemory-policy',
        'noeviction',
        // A ledger in a quarter of its size.
        '--list-max-listpack-size',
        '-5',
        '--list-compress-depth',
        '2',
        '--dir',
        '/data',
      ],
      env: [secretVariable('REDIS_PASSWORD', options.secret)],
      readinessProbe: { tcpSocket: { port: 'redis' }, periodSeconds: 5 },
      livenessProbe: { tcpSocket: { port: 'redis' }, periodSeconds: 20, failureThreshold: 6 },
      resources: { requests: { cpu: '100m', memory: '512Mi' } },
    },
  });
}

/** An S3 service in the cluster, of one pod, for those who have no bucket. */
export function storeManifests(options: ServiceOptions): Manifest[] {
  const { secret } = options;
  const keyOf = (name: string, key: string): Record<string, unknown> => ({
    name,
    valueFrom: { secretKeyRef: { name: secret, key } },
  });
  const health = { httpGet: { path: '/health', port: 'store' } };
  return serviceManifests(options, 'store', {
    port: storePort,
    security: podSecurity(),
    container: {
      args: ['--quiet', '--port', `:${storePort}`, '--health', '/health', 'posix', '/data'],
      env: [
        keyOf('ROOT_ACCESS_KEY', 'BERTH_S3_ACCESS_KEY'),
        keyOf('ROOT_SECRET_KEY', 'BERTH_S3_SECRET_KEY'),
      ],
      readinessProbe: { ...health, periodSeconds: 5 },
      livenessProbe: { ...health, periodSeconds: 20, failureThreshold: 6 },
      resources: { requests: { cpu: '100m', memory: '256Mi' } },
    },
  });
}

interface ServiceParts {
  readonly port: number;
  readonly security: Record<string, unknown>;
  readonly container: Record<string, unknown>;
}

function serviceManifests(
  { cluster, image, size, storageClass }: ServiceOptions,
  component: 'redis' | 'store',
  { port, security, container }: ServiceParts,
): Manifest[] {
  const name = `${cluster}-${component}`;
  const labels = labelsOf(cluster, component);
  const matchLabels = selectorOf(cluster, component);
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, labels },
      spec: {
        selector: matchLabels,
        ports: [{ name: component, port, targetPort: component }],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name, labels },
      spec: {
        serviceName: name,
        replicas: 1,
        selector: { matchLabels },
        template: {
          metadata: { labels },
          spec: {
            ...podBasics,
            securityContext: security,
            terminationGracePeriodSeconds: 60,
            containers: [
              {
                name: component,
                image,
                ...container,
                ports: [{ name: component, containerPort: port }],
                securityContext: containerSecurity,
                volumeMounts: [temporaryMount, { name: 'data', mountPath: '/data' }],
              },
            ],
            volumes: [temporaryVolume],
          },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data', labels },
            spec: {
              accessModes: ['ReadWriteOnce'],
              resources: { requests: { storage: size } },
              ...(storageClass !== undefined && { storageClassName: storageClass }),
            },
          },
        ],
      },
    },
    servicePolicy(cluster, component),
  ];
}
