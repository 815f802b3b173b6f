import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { CheckpointReport, RunStatusReport } from '@berth/contracts';
import { taskOfRun, type ShownMetric } from '@berth/contracts/constants';
import { api, ApiError } from '../api/client.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Chip, EmptyState, SkeletonRows } from '../components/parts.tsx';
import { sendControl } from '../components/run-controls.tsx';
import { judgedBy } from '../evaluation/steps.ts';
import { NewRunDialog } from '../new-run/new-run-dialog.tsx';
import {
  asSentence,
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatMetric,
  formatNumber,
  plural,
  unknown,
} from '../format.ts';
import { checkpoints, nowMs, takeReport } from '../state/live.ts';
import { toast } from '../state/toasts.ts';
import { validityLooks } from '../state/status.ts';
import { ExportDialog } from './export-dialog.tsx';

/** ` of phase 2`, where the others are evaluated on other examples. */
function phasesText({ bestPhases }: RunStatusReport): string {
  if (bestPhases === undefined) return '';
  const numbers = bestPhases.join(', ');
  return ` of ${bestPhases.length === 1 ? 'phase' : 'phases'} ${numbers} (losses on other phases’ examples do not compare)`;
}

/** What a run can go on from. */
export function CheckpointsTab({ report }: { report: RunStatusReport }): JSX.Element {
  const asked = useSignal<CheckpointReport | null>(null);
  const tuned = useSignal<CheckpointReport | null>(null);
  const exported = useSignal<CheckpointReport | null>(null);
  const all = checkpoints.value;
  if (all === null) return <SkeletonRows count={4} />;
  const { train } = report.run.config;
  const { checkpointEverySteps, checkpointEveryMs, keepLast, keepEverySteps } = train;
  const every =
    plural(checkpointEverySteps, 'step') +
    (checkpointEveryMs > 0 ? ` and every ${formatDuration(checkpointEveryMs)}` : '');
  const beside = besideLoss(report.run);
  if (all.length === 0)
    return (
      <EmptyState icon="save" title="No checkpoint yet">
        <p>One is saved every {every}; “Checkpoint now” saves one at once.</p>
      </EmptyState>
    );
  const newest = all.find(({ isAbandoned, validity }) => !isAbandoned && validity === 'complete');
  const numLeft = all.filter(({ isAbandoned }) => isAbandoned).length;
  return (
    <>
      {report.saving !== undefined && <Saving saving={report.saving} />}
      <section class="card flush">
        <header class="card-head">
          <h2>
            {plural(all.length - numLeft, 'checkpoint')}
            {numLeft > 0 && (
              <span class="muted light">, {numLeft} more on a branch left behind</span>
            )}
          </h2>
          <span class="muted">
            every {every}; the newest {keepLast} stay
            {keepEverySteps > 0 ? `, one every ${plural(keepEverySteps, 'step')} for good` : ''}
            {all.some(({ isPinned }) => isPinned) ? ', and those that are pinned' : ''}
            {all.some(({ isBest }) => isBest) ? `, and the best${phasesText(report)}` : ''}
          </span>
        </header>
        <div class="table-scroll" tabIndex={0} role="region" aria-label="Checkpoints">
          <table class="data cards checkpoints">
            <thead>
              <tr>
                <th scope="col">Step</th>
                <th scope="col">Validity</th>
                <th scope="col">Kind</th>
                <th scope="col" class="number">
                  Held-out loss
                </th>
                <th scope="col" class="number">
                  Size
                </th>
                <th scope="col" class="number">
                  Save time
                </th>
                <th scope="col">Saved</th>
                <th scope="col">
                  <span class="hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {all.map((checkpoint) => (
                <Row
                  key={checkpoint.manifestKey}
                  checkpoint={checkpoint}
                  beside={beside}
                  isNewest={checkpoint === newest}
                  onResume={() => (asked.value = checkpoint)}
                  onExport={() => (exported.value = checkpoint)}
                  onFineTune={() => (tuned.value = checkpoint)}
                  onPin={() => void setPin(report, checkpoint)}
                />
              ))}
            </tbody>
          </table>
        </div>
      </section>
      {asked.value !== null && (
        <ResumeDialog
          checkpoint={asked.value}
          report={report}
          onClose={() => (asked.value = null)}
        />
      )}
      {tuned.value !== null && (
        <NewRunDialog
          from={`${report.run.runId}@${tuned.value.step}`}
          onClose={() => (tuned.value = null)}
        />
      )}
      {exported.value !== null && (
        <ExportDialog
          runId={report.run.runId}
          checkpoint={exported.value}
          onClose={() => (exported.value = null)}
        />
      )}
    </>
  );
}

/** What is told of a checkpoint besides its loss: what the best is chosen by, or the first part of the loss. */
function besideLoss(run: RunStatusReport['run']): ShownMetric | undefined {
  const chosen = judgedBy(run);
  if (chosen !== undefined) return chosen;
  const { losses, metrics } = taskOfRun(run);
  const found = metrics.find(({ name }) => name === `${losses[0]?.name}_loss`);
  return found && { ...found, label: losses[0]?.label ?? found.label };
}

function Row(props: {
  readonly checkpoint: CheckpointReport;
  readonly beside: ShownMetric | undefined;
  readonly isNewest: boolean;
  readonly onResume: () => void;
  readonly onExport: () => void;
  readonly onFineTune: () => void;
  readonly onPin: () => void;
}): JSX.Element {
  const { checkpoint, beside, isNewest, onResume, onExport, onFineTune, onPin } = props;
  const { step, isAbandoned, attempt, resume, isPinned, validity } = checkpoint;
  const judge = beside?.isMoreBetter === true ? beside.label : 'held-out loss';
  const canPin = isPinned || (!isAbandoned && validity === 'complete');
  return (
    <tr class={isAbandoned ? 'abandoned' : ''} data-step={step} data-attempt={attempt}>
      <td>
        <span class={isAbandoned ? 'rail branch' : 'rail'} aria-hidden="true" />
        <span class="strong">{formatCount(step)}</span>
        <span class="sub">
          attempt {attempt}
          {isAbandoned ? ', left behind' : isNewest ? ', newest' : ''}
        </span>
      </td>
      <td data-label="Validity">
        <Chip look={validityLooks[checkpoint.validity]} />
        {!checkpoint.matchesConfig && <span class="sub">of another config</span>}
      </td>
      <td data-label="Kind">
        {checkpoint.kind}
        {checkpoint.isBest && <span class="sub best">best {judge}: it stays</span>}
        {isPinned && <span class="sub">pinned</span>}
      </td>
      <td class="number" data-label="Held-out loss">
        {formatNumber(checkpoint.heldOut?.['loss'])}
        {checkpoint.heldOut !== null && beside !== undefined && (
          <span class="sub">
            {beside.label} {formatMetric(checkpoint.heldOut[beside.name], beside)}
          </span>
        )}
      </td>
      <td class="number" data-label="Size">
        {formatBytes(checkpoint.sizeBytes)}
        <span class="sub">{plural(checkpoint.numParts, 'part')}</span>
      </td>
      <td class="number" data-label="Save time">
        {formatDuration(checkpoint.saveMs)}
        {checkpoint.stallMs !== null && (
          <span class="sub">training waited {formatDuration(checkpoint.stallMs)}</span>
        )}
      </td>
      <td data-label="Saved">
        {formatAge(nowMs.value - checkpoint.createdAtMs)}
        <code class="sub" title={`Weights ${checkpoint.weightsDigest}`}>
          {checkpoint.weightsDigest.slice(0, 10) || unknown}
        </code>
      </td>
      <td class="actions">
        <Button
          icon="pin"
          look="quiet"
          name="pin"
          disabledReason={canPin ? undefined : 'Only a complete checkpoint of the run can be kept.'}
          hint={
            isPinned ? 'It goes when newer ones come.' : 'It stays, however many newer ones come.'
          }
          onClick={onPin}
        >
          {isPinned ? 'Unpin' : 'Pin'}
        </Button>
        <Button
          icon="download"
          look="quiet"
          name="export"
          disabledReason={
            isAbandoned || validity !== 'complete'
              ? 'Only a complete checkpoint of the run can be exported.'
              : undefined
          }
          hint="For transformers and sentence-transformers."
          onClick={onExport}
        >
          Export
        </Button>
        <Button
          icon="target"
          look="quiet"
          name="fine-tune"
          disabledReason={
            isAbandoned || validity !== 'complete'
              ? 'Only a complete checkpoint of the run can be fine-tuned.'
              : undefined
          }
          hint="A new run that begins with this model."
          onClick={onFineTune}
        >
          Fine-tune
        </Button>
        <Button
          icon="branch"
          look="quiet"
          name="resume-from"
          disabledReason={resume.isEnabled ? undefined : asSentence(resume.reason)}
          hint={asSentence(resume.reason)}
          onClick={onResume}
        >
          Resume
        </Button>
      </td>
    </tr>
  );
}

/** What the bucket has yet to take. */
function Saving({ saving }: { saving: NonNullable<RunStatusReport['saving']> }): JSX.Element {
  const { step, forMs, spooledBytes, spooledStep, memberId } = saving;
  return (
    <p class="muted saving" role="status">
      Saving step {formatCount(step)}; the bucket lacks what was made in the last{' '}
      {formatDuration(forMs)}
      {spooledStep !== undefined &&
        `; step ${formatCount(spooledStep)} (${formatBytes(spooledBytes)}) waits on the disk of ${memberId}`}
      .
    </p>
  );
}

async function setPin(
  { run }: RunStatusReport,
  { step, isPinned }: CheckpointReport,
): Promise<void> {
  try {
    takeReport(await api.pin(run.runId, step, !isPinned));
    toast('good', `Checkpoint ${formatCount(step)} is ${isPinned ? 'no longer pinned' : 'pinned'}`);
  } catch (error) {
    toast('bad', error instanceof ApiError ? error.message : String(error));
  }
}

function ResumeDialog(props: {
  readonly checkpoint: CheckpointReport;
  readonly report: RunStatusReport;
  readonly onClose: () => void;
}): JSX.Element {
  const { checkpoint, report, onClose } = props;
  const after = report.step - checkpoint.step;
  return (
    <Dialog title={`Resume from step ${formatCount(checkpoint.step)}?`} onClose={onClose}>
      <p class="muted">
        {report.run.config.name} goes on from this checkpoint as attempt{' '}
        {report.run.attempts.length + 1}.{' '}
        {after > 0
          ? `The ${plural(after, 'step')} after it stay as a grey branch and are no longer part of the run.`
          : 'Nothing came after it, so nothing is left behind.'}
      </p>
      <div class="dialog-actions">
        <Button onClick={onClose}>Leave it</Button>
        <Button
          look="primary"
          icon="branch"
          name="confirm-resume"
          onClick={() => {
            onClose();
            void sendControl(
              report,
              'resume',
              `goes on from step ${formatCount(checkpoint.step)}`,
              checkpoint.step,
            );
          }}
        >
          Resume from step {formatCount(checkpoint.step)}
        </Button>
      </div>
    </Dialog>
  );
}
