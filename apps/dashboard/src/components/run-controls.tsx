import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Control, RunStatusReport } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';
import { asSentence, formatCount, formatDuration, plural } from '../format.ts';
import { nowMs, takeReport } from '../state/live.ts';
import { toast } from '../state/toasts.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { ExtendRun } from './extend-run.tsx';
import type { IconName } from './icon.tsx';

interface ControlLook {
  readonly control: Control;
  readonly label: string;
  readonly icon: IconName;
  /** What is said once the coordinator has agreed. */
  readonly done: string;
  /** Asked once before. */
  readonly needsConfirmation?: boolean;
}

const looks: readonly ControlLook[] = [
  { control: 'pause', label: 'Pause', icon: 'pause', done: 'will save and pause' },
  { control: 'resume', label: 'Resume', icon: 'play', done: 'goes on' },
  { control: 'checkpoint', label: 'Checkpoint now', icon: 'save', done: 'saves a checkpoint' },
  {
    control: 'stop',
    label: 'Stop',
    icon: 'stop',
    done: 'will save and end',
    needsConfirmation: true,
  },
  {
    control: 'kill',
    label: 'Kill',
    icon: 'kill',
    done: 'has been killed',
    needsConfirmation: true,
  },
];

/** A button for each control; one that cannot work says why. */
export function RunControls({ report }: { report: RunStatusReport }): JSX.Element {
  const asked = useSignal<ControlLook | null>(null);
  const busy = useSignal<Control | null>(null);
  const perform = async (look: ControlLook): Promise<void> => {
    asked.value = null;
    busy.value = look.control;
    await sendControl(report, look.control, look.done);
    busy.value = null;
  };
  return (
    <>
      <div class="control-bar" role="group" aria-label="Controls">
        {looks.map((look) => {
          const { isEnabled, reason } = report.controls[look.control];
          return (
            <span key={look.control}>
              <Button
                name={look.control}
                icon={look.icon}
                look={look.control === 'resume' && isEnabled ? 'primary' : 'plain'}
                disabledReason={isEnabled ? undefined : asSentence(reason)}
                hint={asSentence(reason)}
                isBusy={busy.value === look.control}
                onClick={() => {
                  if (look.needsConfirmation === true) asked.value = look;
                  else void perform(look);
                }}
              >
                {look.label}
              </Button>
            </span>
          );
        })}
        <span>
          <ExtendRun report={report} />
        </span>
      </div>
      {asked.value !== null && (
        <ConfirmDialog
          look={asked.value}
          report={report}
          onClose={() => (asked.value = null)}
          onConfirm={(look) => void perform(look)}
        />
      )}
    </>
  );
}

/** Sends a control and says what came of it. @returns whether it was accepted */
export async function sendControl(
  report: RunStatusReport,
  control: Control,
  done: string,
  fromStep?: number,
): Promise<boolean> {
  const { runId, config } = report.run;
  try {
    takeReport(await api.control(runId, control, fromStep === undefined ? {} : { fromStep }));
    toast('good', `${config.name} ${done}`);
    return true;
  } catch (error) {
    toast('bad', error instanceof ApiError ? error.message : String(error));
    return false;
  }
}

function ConfirmDialog(props: {
  readonly look: ControlLook;
  readonly report: RunStatusReport;
  readonly onClose: () => void;
  readonly onConfirm: (look: ControlLook) => void;
}): JSX.Element {
  const { look, report, onClose, onConfirm } = props;
  const name = report.run.config.name;
  return (
    <Dialog title={`${look.label} ${name}?`} onClose={onClose}>
      <p class="muted">{look.control === 'kill' ? whatKillLoses(report) : whatStopDoes(report)}</p>
      <div class="dialog-actions">
        <Button onClick={onClose}>Keep it going</Button>
        <Button
          look="danger"
          icon={look.icon}
          name={`confirm-${look.control}`}
          onClick={() => onConfirm(look)}
        >
          {look.label} {name}
        </Button>
      </div>
    </Dialog>
  );
}

function whatStopDoes({ step }: RunStatusReport): string {
  if (step === 0)
    return 'Nothing was trained yet, so there is nothing to save: it ends and releases its workers.';
  return `It saves a checkpoint at step ${formatCount(step)} or soon after, then ends and releases its workers. Nothing is lost; resuming goes on from there.`;
}

function whatKillLoses({ step, checkpointStep, checkpointAtMs }: RunStatusReport): string {
  const lost = step - (checkpointStep ?? 0);
  if (lost <= 0)
    return 'It ends at once. The newest checkpoint has everything, so nothing is lost.';
  const since =
    checkpointAtMs === null ? '' : ` (${formatDuration(nowMs.value - checkpointAtMs)} of work)`;
  const from = checkpointStep === null ? 'the beginning' : `step ${formatCount(checkpointStep)}`;
  return `It ends at once, without saving: ${plural(lost, 'step')} since ${from} are lost${since}.`;
}
