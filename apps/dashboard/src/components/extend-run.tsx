import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ExtensionReport, ExtensionRequest, RunStatusReport } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';
import { asSentence, formatCount } from '../format.ts';
import { takeReport } from '../state/live.ts';
import { isUnderWay } from '../state/status.ts';
import { toast } from '../state/toasts.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { NumberField } from './number-field.tsx';
import { Command } from './parts.tsx';

/** So that not every digit that is typed is asked about. */
const typingMs = 250;

/** The button that trains a run that rests for more steps than planned. */
export function ExtendRun({ report }: { report: RunStatusReport }): JSX.Element {
  const { status } = report.run;
  const isOpen = useSignal(false);
  return (
    <>
      <Button
        name="extend"
        icon="plus"
        disabledReason={
          isUnderWay(status) ? asSentence(`it is ${status}; pause or stop it first`) : undefined
        }
        hint="Trains it for more steps than planned"
        onClick={() => (isOpen.value = true)}
      >
        Extend
      </Button>
      {isOpen.value && <ExtendDialog report={report} onClose={() => (isOpen.value = false)} />}
    </>
  );
}

function ExtendDialog(props: {
  readonly report: RunStatusReport;
  readonly onClose: () => void;
}): JSX.Element {
  const { report, onClose } = props;
  const { runId, config } = report.run;
  const numSteps = useSignal(2 * report.numSteps);
  const numDecaySteps = useSignal<number>(NaN);
  const answer = useSignal<ExtensionReport | null>(null);
  const isBusy = useSignal(false);
  const request: ExtensionRequest = {
    numSteps: numSteps.value,
    ...(!Number.isNaN(numDecaySteps.value) && { numDecaySteps: numDecaySteps.value }),
  };
  const counts = [request.numSteps, request.numDecaySteps ?? 1];
  const isCount = (count: number): boolean => Number.isSafeInteger(count) && count > 0;
  const problem = counts.every(isCount) ? undefined : 'Steps are a whole number above 0';
  useEffect(() => {
    answer.value = null;
    if (problem !== undefined) return;
    let isAsked = true;
    const look = async (): Promise<void> => {
      const found = await api
        .extension(runId, request)
        .catch((error: unknown) => ({ isPossible: false, reason: wordsOf(error) }));
      if (isAsked) answer.value = found;
    };
    const timer = setTimeout(() => void look(), typingMs);
    return () => {
      isAsked = false;
      clearTimeout(timer);
    };
  }, [runId, problem, numSteps.value, numDecaySteps.value]);
  const extend = async (): Promise<void> => {
    isBusy.value = true;
    try {
      takeReport(await api.extend(runId, request));
      onClose();
      toast('good', `${config.name} goes on to step ${formatCount(request.numSteps)}`);
    } catch (error) {
      answer.value = { isPossible: false, reason: wordsOf(error) };
    }
    isBusy.value = false;
  };
  const known = answer.value;
  const why = problem ?? (known === null ? 'It is being looked at' : whyNot(known));
  return (
    <Dialog title={`Extend ${config.name}`} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (why === undefined && !isBusy.value) void extend();
        }}
      >
        <div class="fields">
          <NumberField
            isCount
            label="Steps in all"
            hint={`planned: ${formatCount(report.numSteps)}`}
            name="numSteps"
            value={numSteps.value}
            onInput={(value) => (numSteps.value = value)}
          />
          <NumberField
            isCount
            label="Of these, decaying"
            hint="optional"
            name="numDecaySteps"
            value={numDecaySteps.value}
            onInput={(value) => (numDecaySteps.value = value)}
          />
        </div>
        <div class="extension" aria-live="polite">
          {known === null && <p class="muted">{problem ?? 'Looking at its schedule…'}</p>}
          {known?.isPossible === true && <p class="muted">{asSentence(known.reason)}</p>}
          {known?.isPossible === false && (
            <p class="form-error" role="alert">
              {asSentence(known.reason)}
            </p>
          )}
          {known?.fork !== undefined && <Command text={known.fork} />}
        </div>
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            look="primary"
            icon="play"
            name="confirm-extend"
            disabledReason={why}
            isBusy={isBusy.value}
          >
            Go on
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function whyNot({ isPossible }: ExtensionReport): string | undefined {
  return isPossible ? undefined : 'It cannot be extended so: see above';
}

function wordsOf(error: unknown): string {
  return error instanceof ApiError ? error.message : String(error);
}
