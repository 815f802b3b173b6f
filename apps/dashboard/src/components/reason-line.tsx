import type { JSX } from 'preact';
import type { RunStatusReport } from '@berth/contracts';
import { asSentence } from '../format.ts';
import { runLooks } from '../state/status.ts';
import { Icon } from './icon.tsx';

/** Why a run is in its state: what it waits for and for whom, or how it ended. */
export function ReasonLine({ report }: { report: RunStatusReport }): JSX.Element {
  const { status, reason, error } = report.run;
  const { icon, tone, isBusy } = runLooks[status];
  return (
    <div class={`reason ${tone}`} role="status">
      <Icon name={icon} isSpinning={isBusy === true && icon === 'spinner'} />
      <div>
        <p>{asSentence(reason)}</p>
        {error !== null && error.message !== reason && (
          <p class="reason-error">
            <code>{error.code}</code> {error.message}
          </p>
        )}
      </div>
    </div>
  );
}
