import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentOf, expand, pathsOf } from './pod-environment.mjs';
import { probeUntil } from './probe.mjs';
import { startProcess } from './process.mjs';

/** What a kubelet keeps of a log as the reason of an end. */
const maxMessageChars = 2_048;
const retryMs = 2_000;

/**
 * What an image is here: a program of this machine.
 * @typedef {{ command: readonly string[], env?: Readonly<Record<string, string>>, workingDir: string }} ProgramImage
 */

/**
 * A container of a pod as a process; `state` and `isReady` are what its status says.
 * @param {object} spec - of the container
 * @param {{ folder: string, facts: import('./pod-environment.mjs').PodFacts, volumes: ReadonlyMap<string, string>,
 *   image: ProgramImage | undefined, changed: () => void }} options
 */
export function createContainer(spec, { folder, facts, volumes, image, changed }) {
  const stopping = new AbortController();
  const probing = new AbortController();
  let started;
  const container = {
    name: spec.name,
    image: spec.image,
    state: { waiting: { reason: 'ContainerCreating' } },
    isStarted: false,
    isReady: false,
    log: join(folder, `${spec.name}.log`),
    pid: () => started?.pid,
    /** Runs it to its end. What it needs may come later: it is looked for again and again. */
    async run() {
      const launch = await prepareInTime();
      if (launch === undefined) {
        container.state = { terminated: neverStarted() };
        return changed();
      }
      const startedAt = now();
      const [program, ...args] = launch.argv;
      started = startProcess(program, args, { ...launch.options, log: container.log });
      container.state = { running: { startedAt } };
      probe(launch);
      changed();
      await started.ended;
      probing.abort();
      container.isReady = false;
      container.state = { terminated: await terminated(startedAt) };
      changed();
    },
    /** @param {number} graceMs */
    async stop(graceMs) {
      stopping.abort();
      probing.abort();
      await started?.stop(graceMs);
    },
  };

  /** @returns {Promise<Awaited<ReturnType<typeof prepare>> | undefined>} undefined if it is to stop before it could start */
  async function prepareInTime() {
    while (!stopping.signal.aborted) {
      try {
        const launch = await prepare();
        if (!stopping.signal.aborted) return launch;
      } catch (error) {
        const { reason = 'CreateContainerConfigError', said, message } = error;
        container.state = { waiting: { reason, message: said ?? message } };
        changed();
        await sleep(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  async function prepare() {
    if (image === undefined) {
      const error = new Error(`this node has no image ${spec.image}`);
      throw Object.assign(error, { reason: 'ErrImagePull' });
    }
    const env = await environmentOf(spec, facts);
    const inside = pathsOf(spec, volumes);
    const { PATH } = process.env;
    const { name: HOSTNAME } = facts.pod.metadata;
    const all = { PATH, HOME: folder, HOSTNAME, TMPDIR: '/tmp', ...image.env, ...env };
    const rewritten = Object.entries(all).map(([name, value]) => [name, inside(value)]);
    const words = spec.command === undefined && spec.args === undefined ? image.command : [];
    const argv = [...words, ...(spec.command ?? []), ...(spec.args ?? [])].map((word) =>
      inside(expand(word, env)),
    );
    return { argv, inside, options: { env: Object.fromEntries(rewritten), cwd: image.workingDir } };
  }

  function probe({ inside, options }) {
    const target = {
      host: facts.podIP,
      ports: spec.ports ?? [],
      run: ([program, ...args]) =>
        spawn(program, args.map(inside), { ...options, stdio: 'ignore' }).on(
          'error',
          () => undefined,
        ),
    };
    const { signal } = probing;
    const setReady = (isReady) => {
      if (container.isReady === isReady) return;
      container.isReady = isReady;
      changed();
    };
    const hasStarted = () => {
      if (container.isStarted) return;
      container.isStarted = true;
      if (spec.readinessProbe) void probeUntil(spec.readinessProbe, target, setReady, signal);
      else setReady(true);
      if (spec.livenessProbe)
        void probeUntil(spec.livenessProbe, target, (isWell) => isWell || kill(), signal);
    };
    const kill = () =>
      void container.stop((facts.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000);
    if (spec.startupProbe)
      void probeUntil(
        spec.startupProbe,
        target,
        (isWell) => (isWell ? hasStarted() : kill()),
        signal,
      );
    else hasStarted();
  }

  async function terminated(startedAt) {
    const { code, signal, error } = started.end;
    const exitCode = code ?? (signal === null ? 128 : 128 + constants.signals[signal]);
    const isMessageWanted =
      spec.terminationMessagePolicy === 'FallbackToLogsOnError' && exitCode !== 0;
    const log = isMessageWanted ? (await readFile(container.log, 'utf8')).trim() : '';
    return {
      exitCode,
      reason: error !== undefined ? 'StartError' : exitCode === 0 ? 'Completed' : 'Error',
      message: error ?? log.slice(-maxMessageChars),
      startedAt,
      finishedAt: now(),
    };
  }

  return container;
}

/** As a kubelet says it of what was deleted before it ran. */
function neverStarted() {
  const message = 'it was deleted before it could start';
  return { exitCode: 137, reason: 'ContainerStatusUnknown', message };
}

/** Seconds, as Kubernetes writes times. */
export const now = () => new Date().toISOString().replace(/\.\d+/, '');
