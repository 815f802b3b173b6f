import type { EngineSetting, JoinMemberSetting } from './healing-setting.ts';
import { randomBytes } from 'node:crypto';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { modelSectionSchema, modelSizeNames, resolveModelConfig } from '@berth/contracts';
import type { Endpoint } from '@berth/collectives';
import { countParameters } from '@berth/model';
import { askAll, machine } from '../collectives/allreduce.ts';
import type { JoinAsk } from './healing-member.ts';
import { commonOptions, countOf, flag, oneOf, text } from '../options.ts';
import { ownProgram, startProgram, type Program } from '../program.ts';
import { summarize, type Summary } from '../summary.ts';

/** One join, in milliseconds. */
interface Join {
  /** Until the slowest donor has put its copy aside and computes on. */
  readonly snapshotMs: number;
  /** From when the joiner asks until it has all, donors' copying included. */
  readonly transferMs: number;
  /** Of that, for verifying. */
  readonly verifyMs: number;
  readonly loadMs: number;
  /** All of it: so much later than the others the joiner begins its share of the step. */
  readonly joinMs: number;
  /** Processor time of the joiner. */
  readonly joinerCpuMs: number;
  /** A donor's gradient of a step, alone and while it gives. Absent if donors do not compute. */
  readonly computeMs?: number;
  readonly computeWhileGivingMs?: number;
  /** `joinMs` in steps of a donor. */
  readonly stallSteps?: number;
}

const vocabSize = 30_522;
const memberProgram = fileURLToPath(new URL('./healing-member.js', import.meta.url));

interface JoinSetting {
  readonly numDonors: number;
  readonly numJoins: number;
  /** Whether donors compute steps. */
  readonly computes: boolean;
}

async function measureJoins(
  engine: EngineSetting,
  { numDonors, numJoins, computes }: JoinSetting,
): Promise<{ joins: Join[]; stateBytes: number; rssBytes: number; slicesOf: unknown }> {
  const model = resolveModelConfig(modelSectionSchema.parse({ size: engine.size }), vocabSize);
  const partLength = countParameters(model).preTraining;
  const secret = randomBytes(32).toString('hex');
  const start = (memberId: string, isDonor: boolean): Program => {
    const seed = isDonor ? 1 : 9;
    const setting = { memberId, engine, partLength, seed, computes: computes && isDonor };
    const args = ownProgram(memberProgram, [JSON.stringify(setting satisfies JoinMemberSetting)]);
    return startProgram(process.execPath, args, { BERTH_SECRET: secret });
  };
  const donors = Array.from({ length: numDonors }, (_, index) => start(`donor-${index}`, true));
  const joiner = start('joiner', false);
  const programs = [...donors, joiner];
  try {
    const greetings = await askAll(programs);
    const peers = greetings.slice(0, -1).map(({ memberId, endpoint }) => ({
      memberId: String(memberId),
      ...(endpoint as Endpoint),
    }));
    const joins: Join[] = [];
    let last: Record<string, unknown> = {};
    for (let viewVersion = 0; viewVersion <= numJoins; viewVersion++) {
      const label = { runId: 'bench', fencingEpoch: 1, viewVersion, step: 1 };
      const alone = computes ? await askAll(donors, lineOf({ do: 'compute' })) : [];
      const giving = askAll(donors, lineOf({ do: 'give', label }));
      last = await joiner.ask(lineOf({ do: 'join', label, donors: peers }));
      const join = joinOf(alone, await giving, last);
      // The first is not measured: pages and connections are fresh.
      if (viewVersion > 0) joins.push(join);
    }
    const digests = await askAll(programs, lineOf({ do: 'digest' }));
    if (new Set(digests.map(({ digest }) => digest)).size !== 1)
      throw new Error('the joiner does not hold what the donors hold');
    const { numBytes, rssBytes, slicesOf } = last;
    return { joins, stateBytes: Number(numBytes), rssBytes: Number(rssBytes), slicesOf };
  } finally {
    for (const program of programs) program.stop();
  }
}

function joinOf(
  alone: readonly Record<string, unknown>[],
  giving: readonly Record<string, unknown>[],
  joined: Record<string, unknown>,
): Join {
  const slowest = (answers: readonly Record<string, unknown>[], figure: string): number =>
    Math.max(...answers.map((answer) => Number(answer[figure])));
  const joinMs = Number(joined['joinMs']);
  const join = {
    snapshotMs: slowest(giving, 'snapshotMs'),
    transferMs: Number(joined['transferMs']),
    verifyMs: Number(joined['verifyMs']),
    loadMs: Number(joined['loadMs']),
    joinMs,
    joinerCpuMs: Number(joined['cpuMs']),
  };
  if (alone.length === 0) return join;
  const computeMs = slowest(alone, 'computeMs');
  const computeWhileGivingMs = slowest(giving, 'computeMs');
  return { ...join, computeMs, computeWhileGivingMs, stallSteps: joinMs / computeMs };
}

const lineOf = (ask: JoinAsk): string => JSON.stringify(ask);

const help = `Usage: npx berth bench healing [options]

Lets a member join by copying weights and moments from donors on loopback, each a process with a real engine, while the
donors compute the gradient of the step that it joins.

  --model SIZE        ${modelSizeNames.join(', ')} (default base; its members take 4 to 5 GB each)
  --donors N          processes that hold the state (default 2)
  --joins N           measured joins, after one that is not (default 5)
  --batch N           examples of 128 tokens that each donor computes in a step (default 8)
  --threads N         TensorFlow's threads of each member (default 1)
  --idle              donors do not compute
  --json              every figure`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: text('base'),
      donors: text('2'),
      joins: text('5'),
      batch: text('8'),
      threads: text('1'),
      idle: flag,
      ...commonOptions,
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const size = oneOf('model', values.model, modelSizeNames);
  const numDonors = countOf('donors', values.donors);
  const numJoins = countOf('joins', values.joins);
  const engine = {
    size,
    batchSize: countOf('batch', values.batch),
    numThreads: countOf('threads', values.threads),
  };
  const joinSetting = { numDonors, numJoins, computes: !values.idle };
  const measured = await measureJoins(engine, joinSetting);
  const figures = Object.keys(measured.joins[0] ?? {}) as (keyof Join)[];
  const summaries = Object.fromEntries(
    figures.map((figure) => [figure, summarize(measured.joins.map((join) => join[figure] ?? 0))]),
  ) as Partial<Record<keyof Join, Summary>>;
  const setting = { ...engine, ...joinSetting };
  const report = { setting, machine: machine(), load: loadavg()[0], summaries, ...measured };
  if (values.json) {
    console.log(JSON.stringify(report, null, 2));
    return;
  }
  const megabytes = (measured.stateBytes / 1e6).toFixed(0);
  console.log(`${size}: ${megabytes} MB of state from ${numDonors} donors, ${report.machine}`);
  for (const [figure, name] of Object.entries(names) as [keyof Join, string][]) {
    const summary = summaries[figure];
    if (summary !== undefined) console.log(`${name.padEnd(16)}${describe(summary, figure)}`);
  }
}

const names: Record<keyof Join, string> = {
  snapshotMs: 'snapshot',
  transferMs: 'transfer',
  verifyMs: '  verifying',
  loadMs: 'load',
  joinMs: 'join',
  joinerCpuMs: '  of processor',
  computeMs: 'step alone',
  computeWhileGivingMs: 'step giving',
  stallSteps: 'stall',
};

function describe({ median, low, high }: Summary, figure: keyof Join): string {
  const [digits, unit] = figure === 'stallSteps' ? [2, 'steps'] : [0, 'ms'];
  return `${median.toFixed(digits)} ${unit} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

await main();
