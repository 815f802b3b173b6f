import type { JSX } from 'preact';
import type { MetricsLine, RunStatusReport } from '@berth/contracts';
import {
  corpusText,
  corpusWeightsText,
  linkSpeedText,
  taskOfRun,
  type ShownMetric,
  type Task,
} from '@berth/contracts/constants';
import { ChartCard } from '../charts/chart-card.tsx';
import { levelsOf } from '../charts/levels.ts';
import { windowFor, windowOnAxis } from '../charts/smoothing.ts';
import { valueOf } from '../charts/curve.ts';
import { lossChart } from '../charts/specs.ts';
import { ConfigView } from '../components/config-view.tsx';
import { DatasetHealth } from '../components/dataset-health.tsx';
import { PreparationCard } from '../components/preparation-card.tsx';
import { Tile } from '../components/parts.tsx';
import { judgedBy } from '../evaluation/steps.ts';
import { publishedSizes } from '../new-run/run-form.ts';
import { fineTuningFacts } from '../fine-tuning-facts.ts';
import {
  formatAge,
  formatCompact,
  formatCount,
  formatDateTime,
  formatDuration,
  formatMetric,
  formatNumber,
  formatPercent,
  plural,
} from '../format.ts';
import { chosenAxis, chosenSmoothing } from '../state/chart-settings.ts';
import { nowMs } from '../state/live.ts';
import { isUnderWay } from '../state/status.ts';
import type { RunHistory } from '../state/run-history.ts';
import { AttemptList } from './attempt-list.tsx';

export interface OverviewProps {
  readonly report: RunStatusReport;
  readonly history: RunHistory;
}

/** A run at a glance. */
export function OverviewTab({ report, history }: OverviewProps): JSX.Element {
  const window = chosenSmoothing.value ?? windowFor(report.step);
  const smoothing = windowOnAxis(window, chosenAxis.value, history.step.value ?? []);
  return (
    <div class="overview">
      <KeyNumbers report={report} />
      <div class="columns">
        <div class="column main">
          {report.preparation !== undefined && <PreparationCard preparation={report.preparation} />}
          <ChartCard spec={lossChart} history={history} smoothing={smoothing} height={260} />
          <AttemptList
            attempts={report.run.attempts}
            numSteps={report.numSteps}
            step={report.step}
          />
          <ConfigView config={report.run.config} />
        </div>
        <aside class="column side">
          {report.dataset !== undefined && <DatasetHealth dataset={report.dataset} />}
          <Facts report={report} />
        </aside>
      </div>
    </div>
  );
}

function KeyNumbers({ report }: { report: RunStatusReport }): JSX.Element {
  const { last, lastEval, checkpointStep, run } = report;
  const task = taskOfRun(run);
  const quality = judgedBy(run) ?? task.metrics.find(({ unit }) => unit === 'ratio');
  const newest = lastEval ?? last;
  return (
    <dl class="tiles six">
      <Tile label="Loss" value={formatNumber(last?.loss)} note={stepNote(last?.step)} />
      <Tile
        label="Held-out loss"
        value={formatNumber(lastEval?.loss)}
        note={heldOutNote(task, lastEval)}
      />
      {quality !== undefined && (
        <Tile
          label={quality.label}
          value={formatMetric(newest === null ? null : valueOf(newest, quality.name), quality)}
          note={qualityNote(task, quality, report)}
        />
      )}
      <Tile
        label="Tokens per second"
        value={formatCompact(report.tokensPerSecond)}
        note={last?.stepMs === undefined ? 'not yet' : `${formatDuration(last.stepMs)} a step`}
      />
      <Tile label="Workers" value={report.numWorkersAlive} note={crewNote(report)} />
      <Tile
        label="Checkpoint"
        value={checkpointStep === null ? 'none' : formatCount(checkpointStep)}
        note={checkpointNote(report)}
      />
    </dl>
  );
}

function checkpointNote({ run, checkpointAtMs, saved, saving }: RunStatusReport): string {
  if (saving?.spooledStep !== undefined)
    return `step ${formatCount(saving.spooledStep)} waits on a disk`;
  if (checkpointAtMs === null)
    return `every ${formatCount(run.config.train.checkpointEverySteps)} steps`;
  const age = formatAge(nowMs.value - checkpointAtMs);
  return saved === undefined ? age : `${age} · in ${formatDuration(saved.durationMs)}`;
}

function heldOutNote(task: Task, line: MetricsLine | null): string {
  if (line === null) return 'not yet';
  const [main] = task.losses;
  if (main === undefined) return stepNote(line.step);
  const metric = `${main.name}_loss`;
  const against = levelsOf(task, metric, line)
    .map(({ label, value }) => `${label} ${formatNumber(value)}`)
    .join(', ');
  if (against === '' && task.losses.length === 1) return stepNote(line.step);
  const beside = against === '' ? '' : ` (${against})`;
  return `${main.label} ${formatNumber(valueOf(line, metric))}${beside} · ${stepNote(line.step)}`;
}

function qualityNote(task: Task, metric: ShownMetric, { last, lastEval }: RunStatusReport): string {
  if (lastEval === null) return last?.[metric.name] === undefined ? 'not yet' : 'train';
  const against = levelsOf(task, metric.name, lastEval).map(
    ({ label, value }) => `${label} ${formatMetric(value, metric)}`,
  );
  return ['held-out', ...against].join(' · ');
}

/** What a run at rest would want does not matter. */
function crewNote({ run: { status, config } }: RunStatusReport): string {
  const { numWorkers, minWorkers } = config.cluster;
  return isUnderWay(status)
    ? `wants ${numWorkers}, waits below ${minWorkers}`
    : 'its workers are free';
}

function stepNote(step: number | undefined): string {
  return step === undefined ? 'not yet' : `step ${formatCount(step)}`;
}

/** With how much of the newest step was no padding. */
function batchText({ run: { config }, phase, last }: RunStatusReport): string {
  const { globalBatch } = phase ?? config.train;
  const { maxSeqLength } = phase ?? config.examples;
  const size = `${formatCount(globalBatch)} × ${maxSeqLength} tokens`;
  const fill = (last?.numTokens ?? Infinity) / (globalBatch * maxSeqLength);
  // The newest step may be one of a phase with larger batches.
  return fill > 1 ? size : `${size}, ${formatPercent(fill)} filled`;
}

function phaseText({ phase }: RunStatusReport): string | undefined {
  if (phase === undefined) return undefined;
  return `${phase.number} of ${phase.numPhases}, up to step ${formatCount(phase.endStep)}`;
}

/** A size, and what the run has otherwise; one that begins with another model has all of that one's sizes in its config. */
function modelText(model: RunStatusReport['run']['config']['model']): string {
  const { numLayers, hiddenSize } = publishedSizes.find(({ name }) => name === model.size)!;
  const parts: readonly (readonly [number | undefined, number, (value: number) => string])[] = [
    [model.numLayers, numLayers, (value) => `${value} layers`],
    [model.hiddenSize, hiddenSize, (value) => `hidden size ${formatCount(value)}`],
    [model.numHeads, hiddenSize / 64, (value) => `${value} heads`],
    [model.intermediateSize, 4 * hiddenSize, (value) => `feed-forward ${formatCount(value)}`],
  ];
  const own = parts.flatMap(([value, usual, say]) =>
    value === undefined || value === usual ? [] : say(value),
  );
  return own.length === 0 ? `BERT-${model.size}` : `BERT-${model.size}, but ${own.join(', ')}`;
}

function networkText({ network }: RunStatusReport): string | undefined {
  if (!network?.lowest) return undefined;
  const { ms, bitsPerSecond } = network.lowest;
  return `${linkSpeedText(bitsPerSecond)}, ${formatDuration(ms)} a sum at best`;
}

function Facts({ report }: { report: RunStatusReport }): JSX.Element {
  const { run, view } = report;
  const { config, numerics } = run;
  const { model, train } = config;
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ['Model', modelText(model)],
    ['Corpus', config.corpus && corpusText(config.corpus)],
    ...fineTuningFacts(run),
    ['Batch', batchText(report)],
    ['Phase', phaseText(report)],
    ['Text', corpusWeightsText(config, report.phase?.number ?? 1)],
    ['Virtual ranks', formatCount(train.virtualRanks)],
    ['Precision', `${train.precision}, gradients ${train.allReduceDtype}`],
    ['Seed', String(config.seed)],
    ['Training hash', run.trainingHash.slice(0, 16)],
    ['Example shards', formatCount(report.numExampleShards)],
    ['TensorFlow', numerics === null ? null : `${numerics.tensorflow}, ${numerics.device}`],
    [
      'Kernels',
      numerics === null ? null : `${numerics.kernels}, ${plural(numerics.numThreads, 'thread')}`,
    ],
    ['Network', networkText(report)],
    ['View', view === null ? null : `${view.version}, fencing epoch ${view.fencingEpoch}`],
    ['Created', formatDateTime(run.createdAtMs)],
  ];
  return (
    <section class="card">
      <h2>Facts</h2>
      <dl class="facts">
        {facts.flatMap(([name, value]) =>
          value === null || value === undefined
            ? []
            : [
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>,
              ],
        )}
      </dl>
    </section>
  );
}
