// Compiles functions of module-functions.mjs in child processes and prints what the caller checks, as JSON. Arguments: the
// cache's folder, and the folder of the modules.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileModule, startTensorFlow } from '@berth/graph';

const [cacheFolder, modules] = process.argv.slice(2);
const tensorFlow = startTensorFlow({ numThreads: 1, device: 'cpu' });
const { tf } = tensorFlow;
const moduleOf = (name) => pathToFileURL(join(modules, name));
const functions = moduleOf('module-functions.mjs');

async function failure(module, name, options) {
  return compileModule(tensorFlow, module, name, { cacheFolder, ...options }).then(
    () => undefined,
    ({ code, message }) => ({ code, message }),
  );
}

async function runTotal() {
  const numTensorsBefore = [tf.memory().numTensors, tensorFlow.numTensors()];
  const settings = { rows: 16_384 };
  const compiled = await compileModule(tensorFlow, functions, 'total', { cacheFolder, settings });
  const numTensors = [tf.memory().numTensors, tensorFlow.numTensors()];
  const three = tf.scalar(3);
  const results = [1, 2].map(() => compiled(three).map((tensor) => [...tensor.dataSync()]));
  const names = Object.keys(compiled.readVariables());
  compiled.dispose();
  return { results, names, numTensorsBefore, numTensors };
}

const report = process.argv.includes('only-total')
  ? { total: await runTotal() }
  : {
      total: await runTotal(),
      reading: await failure(functions, 'reading'),
      missing: await failure(functions, 'notAFunction'),
      broken: await failure(moduleOf('module-broken.mjs'), 'any'),
      crashing: await failure(functions, 'crashing'),
      endless: await failure(functions, 'endless', { timeoutMs: 4_000 }),
    };
console.log(JSON.stringify(report));
