import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { FineTuningReport, RunStatusReport } from '@berth/contracts';
import { evaluationMetrics, taskOfRun } from '@berth/contracts/constants';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { EmptyState, SkeletonRows, Tile } from '../components/parts.tsx';
import { formatCount, formatMetric, plural } from '../format.ts';
import { AnswerScores } from './answer-scores.tsx';
import { ConfusionMatrix } from './confusion-matrix.tsx';
import { Scatter } from './scatter.tsx';
import { ScoreTable } from './score-table.tsx';
import { evaluatedSteps, judgedBy } from './steps.ts';
import { useReport } from './read-report.ts';
import { WorstExamples } from './worst-examples.tsx';

/** What evaluations of a fine-tuned model found. */
export function EvaluationTab({ report }: { report: RunStatusReport }): JSX.Element {
  if (report.run.config.task === undefined)
    return (
      <EmptyState icon="target" title="Nothing to look into">
        <p>Only fine-tunings are looked into example by example. The metrics tab has the rest.</p>
      </EmptyState>
    );
  const steps = evaluatedSteps(report);
  const [newest] = steps;
  if (newest === undefined) return <NotYet report={report} />;
  return <Evaluation report={report} steps={steps} newest={newest} />;
}

function NotYet({ report: { run, step } }: { report: RunStatusReport }): JSX.Element {
  const { evalEverySteps, numEpochs } = run.config.train;
  const when =
    evalEverySteps > 0
      ? `at step ${formatCount(Math.ceil((step + 1) / evalEverySteps) * evalEverySteps)}, then every ${plural(evalEverySteps, 'step')}`
      : numEpochs !== undefined
        ? 'after the first epoch'
        : 'at the end';
  return (
    <EmptyState icon="target" title="Not evaluated yet">
      <p>The model is tried on the held-out examples {when}.</p>
    </EmptyState>
  );
}

function Evaluation(props: {
  readonly report: RunStatusReport;
  readonly steps: readonly number[];
  readonly newest: number;
}): JSX.Element {
  const { report, steps, newest } = props;
  const { run, best } = report;
  const choice = useSignal<number | 'newest'>('newest');
  const step = choice.value === 'newest' ? newest : choice.value;
  const read = useReport(run.runId, step);
  const isOther = read.report !== null && read.report.step !== step;
  return (
    <>
      <div class="evaluation-bar">
        <label class="evaluation-step">
          <span>Evaluation at</span>
          <select
            name="evaluation-step"
            value={String(choice.value)}
            onChange={({ currentTarget: { value } }) =>
              (choice.value = value === 'newest' ? value : Number(value))
            }
          >
            <option value="newest">the newest, step {formatCount(newest)}</option>
            {steps.map((one) => (
              <option key={one} value={one}>
                step {formatCount(one)}
                {one === best?.step ? ', the best checkpoint' : ''}
              </option>
            ))}
          </select>
        </label>
        {read.report !== null && (
          <span class="muted">
            on {formatCount(read.report.of.numExamples)} held-out{' '}
            {run.config.task?.kind === 'answer' ? 'questions' : 'examples'}
          </span>
        )}
        <span class="hidden" role="status">
          {read.isReading ? 'Reading' : `Evaluation at step ${step}`}
        </span>
      </div>
      {read.problem !== null && !read.isReading && (
        <div class="reason warn" role="alert">
          <Icon name="warning" />
          <div>
            <p>{read.problem}</p>
          </div>
          <Button icon="retry" onClick={read.again}>
            Read again
          </Button>
        </div>
      )}
      {read.report === null ? (
        read.isReading && <SkeletonRows count={5} />
      ) : (
        <div class={isOther ? 'evaluation stale' : 'evaluation'} aria-busy={read.isReading}>
          <Found report={read.report.of} run={run} />
        </div>
      )}
    </>
  );
}

function Found(props: {
  readonly report: FineTuningReport;
  readonly run: RunStatusReport['run'];
}): JSX.Element {
  const { report, run } = props;
  const { confusion, scores, pairs, answers, labels, numUnseenWords = 0 } = report;
  return (
    <>
      <Headline report={report} run={run} />
      {numUnseenWords > 0 && (
        <p class="reason warn">
          <Icon name="warning" />
          <span>
            {plural(numUnseenWords, 'word')} behind the end of the model’s input were not seen, and
            count as not found. A longer examples.maxSeqLength shows them.
          </span>
        </p>
      )}
      {confusion !== undefined && (
        <ConfusionMatrix
          confusion={confusion}
          labels={labels}
          unit={report.kind === 'tag' ? 'word' : 'example'}
        />
      )}
      {pairs !== undefined && <Scatter pairs={pairs} />}
      {answers !== undefined && <AnswerScores answers={answers} />}
      {scores !== undefined && <ScoreTable scores={scores} />}
      <WorstExamples report={report} />
    </>
  );
}

/** What it came to, and what knowing nothing reaches; first what the best checkpoint is chosen by. */
function Headline(props: {
  readonly report: FineTuningReport;
  readonly run: RunStatusReport['run'];
}): JSX.Element {
  const { report, run } = props;
  const chosen = judgedBy(run)?.name;
  const known = evaluationMetrics(taskOfRun(run)).filter(({ name }) => name in report.metrics);
  const metrics = known.toSorted((a, b) => Number(b.name === chosen) - Number(a.name === chosen));
  return (
    <dl class={`tiles fit${Math.min(5, metrics.length)}`}>
      {metrics.map((metric) => (
        <Tile
          key={metric.name}
          label={metric.label}
          value={formatMetric(report.metrics[metric.name], metric)}
          note={
            <>
              {report.metrics[metric.name] === null && <span>not defined here </span>}
              {report.baselines.flatMap(({ name, label, metrics: reached }) =>
                reached[metric.name] === undefined
                  ? []
                  : [
                      <span key={name}>
                        {label} {formatMetric(reached[metric.name], metric)}{' '}
                      </span>,
                    ],
              )}
              {metric.name === chosen && <span class="chosen-by">chooses the best</span>}
            </>
          }
        />
      ))}
    </dl>
  );
}
