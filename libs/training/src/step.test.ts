import { readyFrom, tasks, type AlignedBlock, type ReadyMark } from '@berth/contracts';
import { expect, it } from 'vitest';
import type { EnginePort, ReduceOptions, ReduceSession } from './ports.ts';
import { StepWork } from './step.ts';

it('has a gradient summed whose engine cannot tell before its end what of it is there', async () => {
  const block: AlignedBlock = { start: 0, length: 1 };
  const { pretraining: task } = tasks;
  const into = new Float32Array(4 + task.sums.length);
  const engine: Partial<EnginePort> = {
    task,
    computeGradients: () => Promise.resolve(into.fill(1)),
  };
  const asked: ReduceOptions[] = [];
  const session: Partial<ReduceSession> = {
    vectors: [into],
    allReduce(options) {
      asked.push(options);
      return new Promise(() => undefined);
    },
  };
  const work = new StepWork({
    step: 0,
    examples: {
      from: { epoch: 0, index: 0 },
      to: { epoch: 0, index: 1 },
      numExamples: 1,
      denominators: Object.fromEntries(task.sums.map((name) => [name, 1])),
      ranksOf: () => Promise.resolve([]),
    },
    blocks: [block],
    isLone: false,
    engine: engine as EnginePort,
    session: session as ReduceSession,
    timeoutMs: 1_000,
  });
  await work.compute();
  expect(asked).toMatchObject([{ contributions: [{ block, data: into }] }]);
  expect(readyFrom(asked[0]?.ready as ReadyMark)).toBe(0);
});
