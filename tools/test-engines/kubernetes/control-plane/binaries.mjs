import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, installFolder, requireSpace } from '../../../setup/cache.mjs';
import { findOnPath, isExecutable } from '../../../setup/command.mjs';
import { must } from '../../../test-compose/command.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const version = '1.36.3';

/** The packages of the programs, which are published as Go modules only. */
const packages = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
};

const neededBytes = 4e9;
const buildTimeoutMs = 5_400_000;

/** Where a build by this go.mod is kept, per user. */
function builtFolder() {
  const pins = ['go.mod', 'go.sum'].map((name) => readFileSync(join(here, name)));
  const hash = createHash('sha256').update(Buffer.concat(pins)).digest('hex').slice(0, 12);
  return join(cacheFolder(), `kubernetes-${version}-${hash}`);
}

/** @returns {Promise<string | undefined>} why there are no programs and none can be built, in one line */
export async function missingBinaries() {
  const named = process.env['BERTH_KUBERNETES_BIN'];
  if (named) {
    const absent = await absentFrom(named);
    return absent && `BERTH_KUBERNETES_BIN is ${named}, where there is no ${absent}`;
  }
  if ((await absentFrom(builtFolder())) === undefined) return undefined;
  return (await findOnPath(['go'])) === undefined
    ? 'no Go is on PATH to build Kubernetes with, and BERTH_KUBERNETES_BIN names no folder that has it'
    : undefined;
}

/**
 * The folder with etcd, kube-apiserver, kube-controller-manager and kube-scheduler: the one that BERTH_KUBERNETES_BIN names, else the
 * one built before, else a new build.
 * @param {(line: string) => void} say
 */
export async function findBinaries(say) {
  const named = process.env['BERTH_KUBERNETES_BIN'];
  if (named) return named;
  const folder = builtFolder();
  if ((await absentFrom(folder)) !== undefined) await build(folder, say);
  return folder;
}

async function build(folder, say) {
  await mkdir(cacheFolder(), { recursive: true });
  await requireSpace(cacheFolder(), neededBytes, 'building Kubernetes');
  const numCores = availableParallelism();
  say(
    `building Kubernetes ${version}, once: up to an hour on two busy cores, here are ${numCores}; kept in ${folder}`,
  );
  await installFolder(folder, async (temporary) => {
    for (const [program, path] of Object.entries(packages)) {
      const startMs = performance.now();
      await must('go', ['build', ...flags, '-o', join(temporary, program), path], {
        cwd: here,
        timeoutMs: buildTimeoutMs,
      });
      say(`built ${program} in ${Math.round((performance.now() - startMs) / 1000)} s`);
    }
    return temporary;
  });
}

const [major, minor] = version.split('.');
const stamps = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
const stamped = Object.entries(stamps).map(
  ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
);
const flags = ['-mod=readonly', '-trimpath', `-ldflags=-s -w ${stamped.join(' ')}`];

/** @returns {Promise<string | undefined>} the first program that a folder lacks */
async function absentFrom(folder) {
  for (const program of Object.keys(packages))
    if (!(await isExecutable(join(folder, program)))) return program;
  return undefined;
}
