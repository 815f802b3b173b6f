#!/usr/bin/env node
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonStep } from './addon.mjs';
import { cacheFolder } from './cache.mjs';
import { SetupFailure } from './failure.mjs';
import { proofStep } from './proof.mjs';
import { runSteps } from './step.mjs';
import { tensorflowFolder, tensorflowStep } from './tensorflow.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const cache = cacheFolder();
const tensorflow = tensorflowFolder(cache);

try {
  const steps = [
    tensorflowStep(cache),
    addonStep({ root, cache, tensorflow }),
    proofStep({ root }),
  ];
  const complete = await runSteps(steps, {
    onlyCheck: process.argv.includes('--check'),
    print: (line) => console.log(line),
  });
  process.exitCode = complete ? 0 : 6;
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = 6;
}
