import {
  amountText,
  stageTitles,
  type RunStatusReport,
  type StageProgress,
} from '@berth/contracts';
import { formatDuration } from '@berth/launch';

const marks = { done: 'x', active: '>', waiting: ' ' } as const;

/** The stages of a run's data, a line each, while that is made. */
export function preparationLines({ preparation }: RunStatusReport): string[] {
  return (preparation?.stages ?? []).map(
    (stage) => `  [${marks[stage.state]}] ${stageTitles[stage.stage]}${noteOf(stage)}`,
  );
}

function noteOf(stage: StageProgress): string {
  if (stage.state === 'waiting') return '';
  if (stage.state === 'active') return amountText(stage);
  return stage.elapsedMs === null ? '' : `: ${formatDuration(stage.elapsedMs)}`;
}
