import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { now } from './container.mjs';
import { startPod } from './pod.mjs';

const leaseSeconds = 40;

/**
 * A node of a cluster whose pods are processes of this machine, in its network: each has an address of its own on loopback
 * (127.x.0.y). It has no images, no limits, no volumes but folders; whatever decides about pods is the cluster's.
 * @param {{ name: string, index: number, api: ReturnType<import('./api.mjs').connectApi>, folder: string,
 *   images: (name: string) => import('./container.mjs').ProgramImage | undefined, say: (line: string) => void }} options
 * `index`: from 1, of its addresses; `api`: as `system:node:NAME`
 */
export async function startNode({ name, index, api, folder, images, say }) {
  const hostIP = `127.${index}.0.1`;
  const stopping = new AbortController();
  /** @type {Map<string, ReturnType<typeof startPod>>} by uid */
  const pods = new Map();
  let numPods = 0;
  const troubles = [];
  const trouble = (what) => (error) => {
    troubles.push(`${what}: ${error.message}`);
    say(`node ${name}: ${what}: ${error.message}`);
  };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await api.create('/api/v1/nodes', nodeObject(name, hostIP));
  const renew = leaseOf(name, api);
  await renew();
  const beat = setInterval(() => void renew().catch(trouble('lease')), (leaseSeconds * 1000) / 4);

  const take = (pod) => {
    const { uid, deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    const known = pods.get(uid);
    if (deletionTimestamp !== undefined) {
      const graceMs = (deletionGracePeriodSeconds ?? 30) * 1000;
      const over = known?.stop(graceMs) ?? Promise.resolve();
      over.catch(trouble(pod.metadata.name));
    } else if (known === undefined && !isOver(pod)) {
      const podIP = `127.${index}.${Math.floor(++numPods / 250) + 1}.${(numPods % 250) + 1}`;
      const { name: podName } = pod.metadata;
      const told = trouble(podName);
      const started = startPod({
        pod,
        podIP,
        hostIP,
        api,
        images,
        folder: join(folder, podName),
        trouble: told,
      });
      started.ended.catch(told);
      pods.set(uid, started);
    }
  };
  const seen = (type, object) => {
    if (type === 'SYNC') {
      const there = new Set(object.items.map(({ metadata }) => metadata.uid));
      for (const [uid, pod] of pods) if (!there.has(uid)) void pod.kill();
      for (const pod of object.items) take(pod);
    } else if (type === 'DELETED') void pods.get(object.metadata.uid)?.kill();
    else if (type !== 'BOOKMARK') take(object);
  };
  const query = `fieldSelector=${encodeURIComponent(`spec.nodeName=${name}`)}`;
  const watching = api.watch('/api/v1/pods', query, seen, stopping.signal).catch(trouble('pods'));

  return {
    name,
    /** Of all pods that it has had. */
    pods: () => [...pods.values()],
    /** What went wrong in it, for people. */
    troubles: () => troubles,
    async stop() {
      clearInterval(beat);
      stopping.abort();
      await watching;
      await Promise.all([...pods.values()].map((pod) => pod.kill()));
      api.close();
    },
  };
}

function isOver({ status }) {
  return status.phase === 'Succeeded' || status.phase === 'Failed';
}

function nodeObject(name, hostIP) {
  const resources = { cpu: '64', memory: '256Gi', pods: '110', 'ephemeral-storage': '100Gi' };
  const at = now();
  const condition = (type, status, reason) => ({
    type,
    status,
    reason,
    message: reason,
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  });
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': process.arch === 'x64' ? 'amd64' : process.arch,
      },
    },
    status: {
      capacity: resources,
      allocatable: resources,
      addresses: [{ type: 'InternalIP', address: hostIP }],
      conditions: [
        condition('Ready', 'True', 'ProcessesCanBeStarted'),
        condition('MemoryPressure', 'False', 'NotMeasured'),
        condition('DiskPressure', 'False', 'NotMeasured'),
        condition('PIDPressure', 'False', 'NotMeasured'),
      ],
    },
  };
}

/** By which the controllers see that the node is alive. */
function leaseOf(name, api) {
  const path = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  let lease;
  return async () => {
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime };
    lease =
      lease === undefined
        ? await api.create(path, {
            apiVersion: 'coordination.k8s.io/v1',
            kind: 'Lease',
            metadata: { name, namespace: 'kube-node-lease' },
            spec,
          })
        : await api.replace(`${path}/${name}`, { ...lease, spec });
  };
}
