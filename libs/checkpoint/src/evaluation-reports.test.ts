import type { FineTuningReport } from '@berth/contracts';
import { expect, it } from 'vitest';
import { putEvaluationReport, readEvaluationReport } from './evaluation-reports.ts';
import { startTestStore } from './testing/fixtures.ts';

const reportOf = (numExamples: number): FineTuningReport => ({
  format: 'berth-fine-tuning-report/1',
  kind: 'regress',
  labels: [],
  numExamples,
  metrics: { regress_pearson: 0.5, regress_spearman: null },
  baselines: [],
  worst: [],
});

it('a report is that of the newest attempt on the line of the run', async () => {
  const { store } = await startTestStore();
  const put = (attempt: number, step: number, numExamples: number): Promise<void> =>
    putEvaluationReport(store, { runId: 'run', attempt, step }, reportOf(numExamples));
  await put(1, 10, 1);
  await put(1, 20, 2);
  await put(2, 20, 3);
  const first = { attempt: 1, startedAtMs: 1 };
  const runOf = (attempts: Parameters<typeof readEvaluationReport>[1]['attempts']) => ({
    runId: 'run',
    attempts,
  });
  const went = runOf([first, { attempt: 2, wentBackTo: 10, startedAtMs: 2 }]);
  expect(await readEvaluationReport(store, runOf([first]), 20)).toEqual(reportOf(2));
  expect(await readEvaluationReport(store, went, 20)).toEqual(reportOf(3));
  expect(await readEvaluationReport(store, went, 10)).toEqual(reportOf(1));

  const back = runOf([first, { attempt: 2, wentBackTo: 5, startedAtMs: 2 }]);
  await expect(readEvaluationReport(store, back, 10)).rejects.toMatchObject({
    code: 'EVALUATION_NOT_FOUND',
  });
  await store.put('runs/run/attempts/1/evaluations/step-000000030.json', Buffer.from('{'));
  await expect(readEvaluationReport(store, runOf([first]), 30)).rejects.toMatchObject({
    code: 'STORE_CORRUPT',
  });
});
