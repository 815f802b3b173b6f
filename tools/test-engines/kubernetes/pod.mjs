import { mkdir } from 'node:fs/promises';
import { createContainer, now } from './container.mjs';
import { makeVolumes } from './pod-environment.mjs';

/**
 * A pod as processes, from its start to its end. Nothing is started again: pods of Jobs are not.
 * @param {{ pod: object, folder: string, podIP: string, hostIP: string, api: ReturnType<import('./api.mjs').connectApi>,
 *   trouble: (error: Error) => void,
 *   images: (name: string) => import('./container.mjs').ProgramImage | undefined }} options
 */
export function startPod({ pod, folder, podIP, hostIP, api, images, trouble }) {
  const { name, namespace, uid } = pod.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  const read = (kind, one) => api.get(`/api/v1/namespaces/${namespace}/${kind}/${one}`);
  const facts = { pod, podIP, hostIP, read };
  const startTime = now();
  let containers = [];
  let stopping;
  let isKilled = false;
  let told = Promise.resolve();
  /** One after the other, so that the last one told is the last that is so. */
  const tell = () => {
    const status = statusOf(containers, { podIP, hostIP, startTime });
    told = told.then(() =>
      api
        .patch(`${path}/status`, { metadata: { uid }, status })
        .catch(unlessGone)
        .catch((error) => trouble(error)),
    );
    return told;
  };

  const made = (async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const volumes = await makeVolumes(folder, facts);
    if (isKilled) return;
    containers = pod.spec.containers.map((spec) =>
      createContainer(spec, {
        folder,
        facts,
        volumes,
        image: images(spec.image),
        changed: () => void tell(),
      }),
    );
  })();
  const ended = (async () => {
    await made;
    await Promise.all(containers.map((container) => container.run()));
    await told;
  })();

  return {
    name,
    uid,
    podIP,
    ended,
    containers: () => containers,
    /** Ends it in order, says how it ended, and takes it from the API server. @param {number} graceMs */
    stop(graceMs) {
      stopping ??= (async () => {
        await made;
        await Promise.all(containers.map((container) => container.stop(graceMs)));
        await ended;
        await tell();
        const options = { gracePeriodSeconds: 0, preconditions: { uid } };
        await api.remove(path, options).catch(unlessGone);
      })();
      return stopping;
    },
    /** The API server has forgotten it. */
    async kill() {
      isKilled = true;
      await Promise.all(containers.map((container) => container.stop(0)));
    },
  };
}

/** It has been deleted, or another of its name has come. */
function unlessGone(error) {
  if (error.status !== 404 && error.status !== 409) throw error;
}

/**
 * Pure, but for the time.
 * @param {readonly ReturnType<typeof createContainer>[]} containers
 */
function statusOf(containers, { podIP, hostIP, startTime }) {
  const phase = phaseOf(containers.map(({ state }) => state));
  const isReady = containers.length > 0 && containers.every((one) => one.isReady);
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const reason = { Succeeded: 'PodCompleted', Failed: 'PodFailed' }[phase];
  const condition = (type, isSo) => ({
    type,
    status: isSo ? 'True' : 'False',
    lastTransitionTime: now(),
    reason: isSo ? null : (reason ?? 'ContainersNotReady'),
  });
  return {
    phase,
    startTime,
    hostIP,
    hostIPs: [{ ip: hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: [
      condition('Initialized', true),
      condition('ContainersReady', isReady && !isOver),
      condition('Ready', isReady && !isOver),
    ],
    containerStatuses: containers.map(({ name, image, state, isStarted, isReady: ready }) => ({
      name,
      image,
      imageID: image,
      restartCount: 0,
      ready,
      started: isStarted && state.running !== undefined,
      state,
    })),
  };
}

/** Pure. */
function phaseOf(states) {
  if (states.length === 0 || states.some(({ waiting }) => waiting)) return 'Pending';
  if (states.some(({ running }) => running)) return 'Running';
  return states.every(({ terminated }) => terminated.exitCode === 0) ? 'Succeeded' : 'Failed';
}
