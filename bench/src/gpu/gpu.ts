import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modelSizeNames, type ModelSize } from '@berth/contracts';
import { commonOptions, countOf, oneOf, text } from '../options.ts';
import { ownProgram } from '../program.ts';
import { defaultStepSetting, stepPrecisions, type StepPrecision } from '../step/step-setting.ts';
import { flopsOf } from '../step/step.ts';
import { decide, paceOf, seconds } from './budget.ts';
import { readMachine, type Machine } from './machine.ts';
import type { Outcome, Part, Rival } from './part.ts';
import { planParts, type Wish } from './plan.ts';
import { runProgram } from './run-program.ts';
import { describe } from './table.ts';
import { judge } from './verdict.ts';

const help = `Usage: npx berth bench gpu [options]

Measures what a GPU gives, whatever its kind, in parts of which the most valuable come first: products by precision, whether three
processes get the same bits, whole steps beside PyTorch. Each part is a process of its own; one that fails or hangs does not end
the others. On a machine that has nothing yet: infra/gpu/verify, which sets it up first.

  --device D          gpu, or cpu to go through the same without one (default gpu)
  --out FOLDER        results.jsonl (a line a part, at once), table.txt, log.txt (default gpu-report)
  --budget-s N        what no longer fits into so many seconds is skipped (default 600)
  --began-s N         when they began to count, in seconds since 1970 (default now)
  --model LIST        of ${modelSizeNames.join(', ')} (default all; with cpu tiny, mini)
  --precision LIST    of ${stepPrecisions.join(', ')} (default all; with cpu fp32, bf16)
  --seq LIST          (default 128,512)
  --tokens N          of a step: batches are so large (default 8192; with cpu 1024)
  --against LIST      eager, compiled, none (default eager,compiled; none where there is no PyTorch)
  --python PATH       a Python with torch and transformers (default python3)
  --threads N         TensorFlow's on the host (default 2)
  --done FILE         results.jsonl of an earlier run: what it has done is not done again

Exit code 0: all done. 1: a part failed, or found what must not be. 3: none failed, but some were skipped.`;

const bench = fileURLToPath(new URL('../', import.meta.url));
const exitCodes = { failed: 1, skipped: 3 } as const;

interface Settings {
  readonly wish: Wish;
  readonly out: string;
  readonly budgetMs: number;
  readonly beganMs: number;
  readonly earlier: ReadonlySet<string>;
}

function readOptions(): Settings | undefined {
  const { values } = parseArgs({
    options: {
      device: text('gpu'),
      out: text('gpu-report'),
      'budget-s': text('600'),
      'began-s': text(''),
      model: text(''),
      precision: text(''),
      seq: text('128,512'),
      tokens: text(''),
      against: text('eager,compiled'),
      python: text('python3'),
      threads: text('2'),
      done: text(''),
      help: commonOptions.help,
    },
  });
  if (values.help) return undefined;
  const device = oneOf('device', values.device, ['cpu', 'gpu']);
  const isCpu = device === 'cpu';
  const list = <T extends string>(option: string, given: string, choices: readonly T[]): T[] =>
    given.split(',').map((one) => oneOf(option, one, choices));
  const models = values.model || (isCpu ? 'tiny,mini' : modelSizeNames.join(','));
  const precisions = values.precision || (isCpu ? 'fp32,bf16' : stepPrecisions.join(','));
  return {
    wish: {
      device,
      models: list<ModelSize>('model', models, modelSizeNames),
      precisions: list<StepPrecision>('precision', precisions, stepPrecisions),
      seqs: values.seq.split(',').map((seq) => countOf('seq', seq)),
      numTokens: countOf('tokens', values.tokens || (isCpu ? '1024' : '8192')),
      numThreads: countOf('threads', values.threads),
      rivals: list<Rival>('against', values.against, ['none', 'eager', 'compiled']),
      python: values.python,
    },
    out: resolve(values.out),
    budgetMs: countOf('budget-s', values['budget-s']) * 1000,
    beganMs: values['began-s'] === '' ? Date.now() : countOf('began-s', values['began-s']) * 1000,
    earlier: values.done === '' ? new Set() : doneIn(values.done),
  };
}

/** @throws RangeError when there is no such file */
function doneIn(file: string): ReadonlySet<string> {
  if (!existsSync(file)) throw new RangeError(`--done ${file} is not there`);
  const outcomes = linesOf(file).filter(({ status }) => status === 'done');
  return new Set(outcomes.map(({ part }) => part));
}

function linesOf(file: string): Outcome[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Outcome);
}

async function measure(settings: Settings): Promise<readonly Outcome[]> {
  const { out, budgetMs, beganMs } = settings;
  const files = {
    results: join(out, 'results.jsonl'),
    table: join(out, 'table.txt'),
    log: join(out, 'log.txt'),
  };
  mkdirSync(out, { recursive: true });
  writeFileSync(files.log, '');
  const machine = await readMachine(settings.wish.device, settings.wish.python);
  const wish = withRivalsOf(machine, settings.wish);
  const parts = planParts(wish).filter(({ name }) => !settings.earlier.has(name));
  const elapsedMs = (): number => Date.now() - beganMs;
  announce({ ...settings, wish }, parts, elapsedMs());
  writeFileSync(files.results, `${JSON.stringify({ part: 'machine', status: 'done', machine })}\n`);
  const env = environmentOf(wish);
  const outcomes: Outcome[] = [];
  for (const [place, part] of parts.entries()) {
    const laterMs = totalMs(parts.slice(place + 1));
    const clock = { budgetMs, elapsedMs: elapsedMs(), pace: paceOf(parts, outcomes), laterMs };
    const decision = decide(part, clock);
    const outcome: Outcome =
      decision.do === 'skip'
        ? { part: part.name, status: 'skipped', reason: decision.reason }
        : await runPart(part, {
            deadlineMs: decision.deadlineMs,
            env,
            log: (said) => appendFileSync(files.log, said),
          });
    outcomes.push(outcome);
    appendFileSync(files.results, `${JSON.stringify(outcome)}\n`);
    writeFileSync(files.table, describe(machine, parts, outcomes));
    console.log(`${seconds(elapsedMs()).padStart(6)}  ${outcomeLine(outcome)}`);
  }
  console.log(`\n${describe(machine, parts, outcomes)}`);
  return outcomes;
}

function totalMs(parts: readonly Part[]): number {
  return parts.reduce((sum, { estimateMs }) => sum + estimateMs, 0);
}

function withRivalsOf(machine: Machine, wish: Wish): Wish {
  return machine.pytorch === null ? { ...wish, rivals: ['none'] } : wish;
}

function announce(
  { wish, out, budgetMs }: Settings,
  parts: readonly Part[],
  elapsedMs: number,
): void {
  const wantedMs = totalMs(parts);
  console.log(
    `${parts.length} parts on the ${wish.device}: ${wish.models.join(', ')}; ${wish.precisions.join(', ')}; ` +
      `${wish.seqs.join(', ')} tokens long, ${wish.numTokens} a step; against ${wish.rivals.join(', ')}\n` +
      `they take about ${seconds(wantedMs)}, ${wish.device === 'gpu' ? 'which is a guess' : 'as measured on two cores'}; ` +
      `the budget is ${seconds(budgetMs)}, of which ${seconds(elapsedMs)} are used: what does not fit is skipped, the least valuable first\n` +
      `results in ${out}\nfirst ${parts
        .slice(0, 6)
        .map(({ name }) => name)
        .join(', ')} ...\n`,
  );
}

/** One GPU, the same for both peers: tfjs-node would take the last that it sees, PyTorch the first. */
function environmentOf({ device }: Wish): NodeJS.ProcessEnv {
  const visible = process.env['CUDA_VISIBLE_DEVICES']?.split(',')[0];
  return device === 'cpu'
    ? process.env
    : {
        ...process.env,
        CUDA_VISIBLE_DEVICES: visible === undefined || visible === '' ? '0' : visible,
      };
}

async function runPart(part: Part, limits: Parameters<typeof runProgram>[2]): Promise<Outcome> {
  limits.log?.(`== ${part.name}: ${part.args.join(' ')}\n`);
  const [program = '', ...rest] = part.args;
  const args = ownProgram(join(bench, program), [...rest, '--json']);
  const { output, failure, tookMs } = await runProgram(process.execPath, args, limits);
  limits.log?.(output);
  const common = { part: part.name, tookMs: Math.round(tookMs) };
  try {
    const { figures, complaint } = judge(part, JSON.parse(output), flopsOfPart(part));
    const reason = complaint ?? failure;
    return reason === undefined
      ? { ...common, status: 'done', figures }
      : { ...common, status: 'failed', reason, figures };
  } catch {
    return { ...common, status: 'failed', reason: failure ?? 'its report is no JSON' };
  }
}

function flopsOfPart(part: Part): number {
  if (part.kind !== 'step') return 0;
  const { model, precision, seq, batch, predictions } = part.shape;
  return flopsOf({
    ...defaultStepSetting,
    size: model,
    precision,
    batchSize: batch,
    maxSeqLength: seq,
    maxPredictions: predictions,
  });
}

function outcomeLine({ part, status, reason, tookMs, figures }: Outcome): string {
  const took = tookMs === undefined ? '' : ` in ${seconds(tookMs)}`;
  const what =
    figures?.kind === 'step'
      ? `: ${figures.berthMs.toFixed(1)} ms${figures.torch === undefined ? '' : `, ${figures.torch.name} ${figures.torch.stepMs.toFixed(1)} ms`}`
      : '';
  return `${part} ${status}${took}${what}${reason === undefined ? '' : `: ${reason}`}`;
}

async function main(): Promise<void> {
  const settings = readOptions();
  if (settings === undefined) {
    console.log(help);
    return;
  }
  const outcomes = await measure(settings);
  const has = (status: Outcome['status']): boolean =>
    outcomes.some((outcome) => outcome.status === status);
  if (has('failed')) process.exitCode = exitCodes.failed;
  else if (has('skipped')) process.exitCode = exitCodes.skipped;
}

await main();
