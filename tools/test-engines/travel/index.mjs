import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCompose, findEngine } from '../../test-compose/engine.mjs';
import * as kubernetes from '../kubernetes/index.mjs';
import { withKubernetes } from '../kubernetes/cluster.mjs';
import { findBinaries } from '../kubernetes/control-plane/binaries.mjs';
import { startOutside, trainCalmly } from '../kubernetes/outside.mjs';
import * as slurm from '../slurm/index.mjs';
import { composeLeg } from './compose-leg.mjs';
import { travel } from './journey.mjs';
import { kubernetesLeg } from './kubernetes-leg.mjs';
import { processLeg } from './process-leg.mjs';
import { report } from './report.mjs';
import { runFile, runName } from './run-file.mjs';
import { slurmLeg } from './slurm-leg.mjs';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

export const name = 'travel';

/** @returns {Promise<string | undefined>} why it cannot run here, in one line */
export async function check() {
  const why = { slurm: await slurm.check(), kubernetes: await kubernetes.check() };
  return why.slurm !== undefined && why.kubernetes !== undefined
    ? `there is nowhere to go: Slurm: ${why.slurm}; Kubernetes: ${why.kubernetes}`
    : undefined;
}

/**
 * One run that begins in one engine and goes on in the next, while Redis, the bucket and the coordinator stay outside of all of them.
 * @param {(line: string) => void} say
 * @throws Error when a step is lost, a move takes too long, the ledger names other engines, or the weights are not those of a calm run
 */
export async function test(say) {
  const docker = await findDocker(say);
  try {
    await testWith(docker, say);
  } finally {
    await docker.stop();
  }
}

/** @returns {Promise<{ compose?: readonly string[], missing?: string, stop: () => Promise<void> }>} */
async function findDocker(say) {
  const compose = await findCompose();
  const stop = async () => undefined;
  if (compose === undefined)
    return { missing: 'Docker Compose 2 is not installed (docker compose version)', stop };
  const found = await findEngine(say);
  return 'missing' in found ? { missing: found.missing, stop } : { compose, stop: found.stop };
}

async function testWith(docker, say) {
  const leftOut = [
    { engine: 'compose', why: docker.missing },
    { engine: 'slurm', why: await slurm.check() },
    { engine: 'kubernetes', why: await kubernetes.check() },
  ].filter(({ why }) => why !== undefined);
  const has = (engine) => leftOut.every((one) => one.engine !== engine);
  for (const { engine, why } of leftOut) say(`without ${engine}: ${why}`);

  const folder = await mkdtemp(join(tmpdir(), 'berth-travel-'));
  let isGood = false;
  try {
    const outcome = await withOutside({ folder, hasKubernetes: has('kubernetes'), say }, (places) =>
      journey({ folder, ...places, compose: docker.compose, hasSlurm: has('slurm'), say }),
    );
    say(`training ${outcome.numSteps} steps undisturbed, in one process`);
    const config = runFile(root, outcome.numSteps);
    const calm = await trainCalmly({ root, folder: join(folder, 'calm'), config });
    const problems = report({ ...outcome, calm, leftOut });
    if (problems.length > 0) throw new Error(problems.join('\n'));
    isGood = true;
  } finally {
    if (isGood) await rm(folder, { recursive: true, force: true });
    else say(`logs and what is left are in ${folder}`);
  }
}

/** Redis, a bucket and a coordinator, and a Kubernetes cluster beside them where there can be one. */
async function withOutside({ folder, hasKubernetes, say }, use) {
  const berthFolder = join(folder, 'outside');
  const outside = await startOutside({ root, folder: berthFolder });
  const { variables } = outside;
  try {
    if (!hasKubernetes) return await use({ outside });
    const options = {
      root,
      folder,
      binaries: await findBinaries(say),
      variables,
      berthFolder,
      say,
    };
    return await withKubernetes(options, (cluster) => use({ outside, kubernetes: cluster }));
  } finally {
    await outside.stop();
  }
}

async function journey({ folder, outside, kubernetes: cluster, compose, hasSlurm, say }) {
  const place = async (engine) => {
    const path = join(folder, `leg-${engine}`);
    await mkdir(path, { mode: 0o700 });
    return { root, folder: path, variables: outside.variables, say };
  };
  const legs = [];
  try {
    if (compose !== undefined) legs.push(await composeLeg(await place('compose'), compose));
    if (hasSlurm) legs.push(await slurmLeg(await place('slurm')));
    if (cluster !== undefined) legs.push(kubernetesLeg(cluster, root));
    legs.push(processLeg(await place('process')));
    const travelled = await travel({ client: outside.client, root, legs, say });
    return { ...travelled, ledger: await outside.ledger(runName) };
  } finally {
    for (const leg of legs.toReversed()) await leg.close();
  }
}
