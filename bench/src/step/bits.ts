import { execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { modelSizeNames } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { digestsOfProducts } from './bits-of-products.ts';
import { defaultStepSetting, type StepSetting } from './step-setting.ts';
import { commonOptions, oneOf, text } from '../options.ts';
import { digestOfSteps } from './digest-of-steps.ts';

const help = `Usage: npx berth bench bits [options]

Trains the same steps in several processes and compares the weights to the bit: run again, on a busy machine, and with another
number of TensorFlow's threads. Then runs the step's matrix products by themselves, to name those that depend on the threads.

  --model SIZES       comma-separated (default tiny,mini)
  --precision LIST    comma-separated (default fp32,bf16)
  --threads LIST      comma-separated; the first is the standard (default 2,1,4)
  --steps N           steps trained (default 2)
  --json              the whole report`;

interface BitsRow {
  readonly model: string;
  readonly precision: string;
  readonly digest: string;
  readonly again: boolean;
  readonly underLoad: boolean;
  /** Whether the bits are the same with so many threads. */
  readonly threads: Readonly<Record<string, boolean>>;
}

const self = fileURLToPath(import.meta.url);
const run = promisify(execFile);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: text('tiny,mini'),
      precision: text('fp32,bf16'),
      threads: text('2,1,4'),
      steps: text('2'),
      child: text(''),
      ...commonOptions,
    },
  });
  if (values.help) return console.log(help);
  if (values.child !== '') return console.log(inThisProcess(values.child));
  const [standard = '2', ...others] = values.threads.split(',');
  const rows: BitsRow[] = [];
  for (const model of values.model.split(','))
    for (const precision of values.precision.split(',')) {
      const digestOf = (numThreads: string): Promise<string> =>
        inChild(`${model} ${precision} ${numThreads} ${values.steps}`);
      const digest = await digestOf(standard);
      const again = (await digestOf(standard)) === digest;
      const underLoad = (await whileBusy(() => digestOf(standard))) === digest;
      const threads: Record<string, boolean> = {};
      for (const numThreads of others)
        threads[numThreads] = (await digestOf(numThreads)) === digest;
      rows.push({ model, precision, digest, again, underLoad, threads });
      if (!values.json) console.log(describe(rows.at(-1)!, standard));
    }
  const products: Record<string, readonly string[]> = {};
  const expected = JSON.parse(await inChild(`products ${standard}`)) as Record<string, string>;
  for (const numThreads of others) {
    const found = JSON.parse(await inChild(`products ${numThreads}`)) as Record<string, string>;
    products[numThreads] = Object.keys(found).filter((name) => found[name] !== expected[name]);
    if (values.json) continue;
    const names = products[numThreads];
    console.log(
      `products with ${numThreads} threads, not ${standard}: ` +
        (names.length === 0 ? 'all the same' : `${names.length} differ\n  ${names.join('\n  ')}`),
    );
  }
  if (values.json) console.log(JSON.stringify({ standard, rows, products }, null, 2));
}

function describe({ model, precision, again, underLoad, threads }: BitsRow, standard: string) {
  const word = (same: boolean): string => (same ? 'same' : 'OTHER');
  const counts = Object.entries(threads).map(([count, same]) => `${count} threads ${word(same)}`);
  return `${model} ${precision}, ${standard} threads: again ${word(again)}, under load ${word(underLoad)}, ${counts.join(', ')}`;
}

/** What a process of its own prints. */
async function inChild(task: string): Promise<string> {
  const { stdout } = await run(process.execPath, [...process.execArgv, self, '--child', task], {
    timeout: 600_000,
  });
  return stdout.trim();
}

async function whileBusy<T>(action: () => Promise<T>): Promise<T> {
  const burners = [1, 2, 3].map(() => spawn(process.execPath, ['-e', 'for (;;);']));
  try {
    return await action();
  } finally {
    for (const burner of burners) burner.kill('SIGKILL');
  }
}

function inThisProcess(task: string): string {
  const [model, precision, numThreads, numSteps] = task.split(' ');
  if (model === 'products')
    return JSON.stringify(
      digestsOfProducts(startTensorFlow({ numThreads: Number(precision), device: 'cpu' })),
    );
  const setting = {
    ...defaultStepSetting,
    size: oneOf('model', model ?? '', modelSizeNames),
    precision,
    numThreads: Number(numThreads),
  } as StepSetting;
  return digestOfSteps(setting, Number(numSteps));
}

await main();
