import { fineTuningReportSchema, type FineTuningReport } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import {
  goldenCases,
  goldenReports,
  reportOn,
  textCase,
} from '../../testing/tasks/report-fixture.ts';
import { numbersOf } from './report-numbers.ts';

type Golden = Pick<(typeof goldenReports)['regress'][number], 'metrics' | 'baselines'>;

/** Eight digits behind the point; what is not defined is null. */
const close = (value: number | null | undefined): unknown =>
  typeof value === 'number' ? (expect.closeTo(value, 8) as unknown) : value;

const closeAll = (values: Readonly<Record<string, number | null>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, close(value)]));

/** The numbers, and nothing but what the references say. */
function numbersIn({ metrics, baselines }: FineTuningReport): unknown {
  return { metrics, baselines: baselines.map((one) => one.metrics) };
}

function expectedNumbers({ metrics, baselines }: Golden): unknown {
  return {
    metrics: closeAll(metrics),
    baselines: baselines === null ? [] : [closeAll(baselines)],
  };
}

/** The tables have a label before their numbers, or none. */
function scoresIn({ scores }: FineTuningReport): unknown {
  return scores?.rows.map(({ precision, recall, f1, support }) => [precision, recall, f1, support]);
}

function expectedScores(rows: readonly (readonly (string | number)[])[]): unknown {
  return rows.map((row) => row.filter((cell) => typeof cell === 'number').map(close));
}

describe('reports are those of the references', () => {
  it('classify: scikit-learn', () => {
    for (const [i, golden] of goldenReports.classify.entries()) {
      const report = reportOn(goldenCases['classify']![i]!);
      expect(numbersIn(report)).toEqual(expectedNumbers(golden));
      expect(scoresIn(report)).toEqual(expectedScores(golden.scores));
      expect(report.confusion).toMatchObject({ counts: golden.confusion, numLeftOut: 0 });
    }
  });

  it('classify-many: scikit-learn', () => {
    for (const [i, golden] of goldenReports['classify-many'].entries()) {
      const report = reportOn(goldenCases['classify-many']![i]!);
      expect(numbersIn(report)).toEqual(expectedNumbers(golden));
      expect(scoresIn(report)).toEqual(expectedScores(golden.scores));
    }
  });

  it('regress: SciPy, and no correlation with a constant', () => {
    for (const [i, golden] of goldenReports.regress.entries())
      expect(numbersIn(reportOn(goldenCases['regress']![i]!))).toEqual(expectedNumbers(golden));
    const report = reportOn(textCase({ kind: 'regress' }, [1, 2, 3], [5, 5, 5]));
    expect(report.metrics['regress_pearson']).toBeNull();
    expect(Object.keys(numbersOf(report))).toEqual(['regress_loss', 'regress_loss_mean']);
  });

  it('tag: seqeval, a word that was not seen being outside', () => {
    for (const [i, golden] of goldenReports.tag.entries()) {
      const report = reportOn(goldenCases['tag']![i]!);
      expect(numbersIn(report)).toEqual(expectedNumbers(golden));
      expect(scoresIn(report)).toEqual(expectedScores(golden.scores));
      expect(report.scores!.rows.map(({ label }) => label)).toEqual(
        golden.scores.map(([label]) => label),
      );
      const numUnseen = golden.truth.flat().length - golden.logits.flat().length;
      expect(report.numUnseenWords ?? 0).toBe(numUnseen);
    }
  });

  it('tag without entities: scikit-learn', () => {
    for (const [i, golden] of goldenReports['tag-words'].entries()) {
      const report = reportOn(goldenCases['tag-words']![i]!);
      expect(numbersIn(report)).toEqual(expectedNumbers(golden));
      expect(scoresIn(report)).toEqual(expectedScores(golden.scores));
    }
  });

  it('answer: the evaluation of SQuAD', () => {
    for (const [i, golden] of goldenReports.answer.entries()) {
      const report = reportOn(goldenCases['answer']![i]!);
      expect(numbersIn(report)).toEqual(expectedNumbers(golden));
      const { hasAnswer, noAnswer, best } = report.answers!;
      const ours = [hasAnswer, noAnswer].map((part) => part && [part.exact, part.f1, part.total]);
      const theirs = [golden.hasAnswer, golden.noAnswer].map((part) => part?.map(close));
      expect(ours).toEqual(theirs);
      expect(best && [best.exact, best.f1]).toEqual(golden.best?.map(close));
    }
  });
});

it('what is written down is what is read', () => {
  for (const one of Object.values(goldenCases).flat()) {
    const report = reportOn(one);
    expect(fineTuningReportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  }
});
