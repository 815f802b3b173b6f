import {
  BerthError,
  columnOf,
  examplesOf,
  fineTuningTask,
  parseRunConfig,
  silentLogger,
  sumsFromVector,
  tasks,
  type ExampleBatch,
  type FineTuningReport,
  type Measured,
  type MeasuredLine,
} from '@berth/contracts';
import { labelledExamples, taskExamples } from '@berth/data';
import { expect, it } from 'vitest';
import { MemberWork } from './member-work.ts';
import type { MemberPorts } from './member-ports.ts';
import { goldenCases, goldenReports } from './testing/tasks/report-fixture.ts';
import { heldOutOf } from './testing/held-out-of.ts';
import { createReportMeter } from './tasks/fine-tuning/report-meter.ts';

const config = parseRunConfig({ name: 'r', corpus: { path: 'a.txt' } }, 'test');
const heldOut = {
  numExamples: 40,
  copyInto: () => undefined,
};

/** A member whose lines are kept once the test says so. */
function evaluating(): {
  work: MemberWork;
  lines: MeasuredLine[];
  numBatches: () => number;
  keep: () => void;
} {
  const lines: MeasuredLine[] = [];
  let keep = (): void => undefined;
  let numBatches = 0;
  const kept = new Promise<void>((resolve) => (keep = resolve));
  const { sums: names } = tasks.pretraining;
  const sums = sumsFromVector(names, new Float32Array(names.length).fill(1));
  const ports = {
    heldOut: async () => heldOutOf(heldOut),
    baselines: () => taskExamples.pretraining.baselines(undefined),
    engine: {
      task: tasks.pretraining,
      async evaluate() {
        numBatches++;
        return sums;
      },
    },
    reporter: {
      metrics(line: MeasuredLine) {
        lines.push(line);
        return kept;
      },
    },
    logger: silentLogger,
  } as unknown as MemberPorts;
  const options = { runId: 'r', memberId: 'a', config, settleTimeoutMs: 1 };
  const work = new MemberWork(ports, options, { onPeerLost: () => undefined });
  return { work, lines, numBatches: () => numBatches, keep: () => keep() };
}

const turn = (): Promise<void> => new Promise(setImmediate);

it('an evaluation is done once its line is kept, so that no step is committed without it', async () => {
  const { work, lines, keep } = evaluating();
  let isDone = false;
  const { signal } = new AbortController();
  const done = work
    .perform({ kind: 'evaluate', step: 30 }, signal)
    .then(() => void (isDone = true));
  while (lines.length === 0) await turn();
  await turn();
  expect(isDone).toBe(false);
  keep();
  await done;
  expect(lines).toMatchObject([{ kind: 'eval', step: 30, numTokens: 2 }]);
});

it('an evaluation gives way to another view, while it computes and while its line waits', async () => {
  const reason = new BerthError('COLLECTIVE_ABORTED', 'view 2 has come');
  const { work, lines, numBatches } = evaluating();
  const early = new AbortController();
  const computing = work.perform({ kind: 'evaluate', step: 30 }, early.signal);
  early.abort(reason);
  await expect(computing).rejects.toBe(reason);
  expect([numBatches(), lines]).toEqual([0, []]);
  const late = new AbortController();
  const reporting = work.perform({ kind: 'evaluate', step: 30 }, late.signal);
  while (lines.length === 0) await turn();
  late.abort(reason);
  await expect(reporting).rejects.toBe(reason);
});

it('an evaluation with a report has it kept before its line', async () => {
  const { fineTuning, rows, batch, outputs } = goldenCases['classify']![0]!;
  const task = fineTuningTask(fineTuning);
  const kept: unknown[] = [];
  const numbers = sumsFromVector(task.sums, new Float32Array(task.sums.length).fill(1));
  let at = 0;
  const ports = {
    heldOut: async () =>
      heldOutOf({
        numExamples: rows.length,
        copyInto: (into: ExampleBatch, row: number, example: number) =>
          columnOf(into, 'labels').set(
            columnOf(examplesOf(batch, example, example + 1), 'labels'),
            row,
          ),
      }),
    baselines: labelledExamples(fineTuning).baselines,
    reportMeter: async () => createReportMeter(fineTuning, rows),
    engine: {
      task,
      async measure({ batchSize }: ExampleBatch): Promise<Measured> {
        const size = outputs['logits']!.length / rows.length;
        const logits = outputs['logits']!.subarray(at * size, (at + batchSize) * size);
        at += batchSize;
        return { sums: numbers, outputs: { logits } };
      },
    },
    reporter: {
      metrics: async (line: MeasuredLine) => void kept.push(line),
      report: async (step: number, report: FineTuningReport) => void kept.push({ step, report }),
    },
    logger: silentLogger,
  } as unknown as MemberPorts;
  const options = { runId: 'r', memberId: 'a', config, settleTimeoutMs: 1 };
  const work = new MemberWork(ports, options, { onPeerLost: () => undefined });
  await work.perform({ kind: 'evaluate', step: 30 }, new AbortController().signal);
  const f1 = goldenReports.classify[0]!.metrics['classify_f1_macro']!;
  expect(kept).toMatchObject([
    { step: 30, report: { numExamples: rows.length, metrics: { classify_f1_macro: f1 } } },
    { kind: 'eval', step: 30, classify_f1_macro: f1, classify_accuracy: 1 },
  ]);
});
