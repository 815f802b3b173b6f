import { isComplete, listCheckpoints } from '@berth/checkpoint';
import {
  BerthError,
  phaseAt,
  readingSettingsOf,
  type ModelPlace,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import { bestCheckpoint } from '@berth/protocol';

/** Which checkpoint of a run is meant. */
export type WantedCheckpoint = number | 'best' | 'newest';

export interface FoundCheckpoint {
  readonly step: number;
  readonly place: ModelPlace;
}

/**
 * The place of a run's model.
 * @throws BerthError `CHECKPOINT_NOT_FOUND` naming what there is
 */
export async function findCheckpoint(
  store: ObjectStore,
  { runId, attempts, evaluations, exampleFormat, config }: RunRecord,
  wanted: WantedCheckpoint,
): Promise<FoundCheckpoint> {
  const listed = await listCheckpoints(store, runId, attempts);
  const steps = [...new Set(listed.map(({ step }) => step))];
  const notFound = (what: string): BerthError =>
    new BerthError('CHECKPOINT_NOT_FOUND', `Run "${runId}" has ${what}`, { details: { runId } });
  if (steps.length === 0) throw notFound('no checkpoint yet: wait for the first one');
  const best = bestCheckpoint({ attempts, evaluations, config }, steps)?.step;
  if (wanted === 'best' && best === undefined)
    throw notFound(
      `no checkpoint that was evaluated; it has those of ${steps.join(', ')} (evaluations come every train.evalEverySteps)`,
    );
  const step = wanted === 'best' ? best : wanted;
  for (const found of listed.toReversed()) {
    if (step !== 'newest' && found.step !== step) continue;
    const { manifestKey } = found;
    if (!(await isComplete(store, manifestKey))) continue;
    const { examples } = phaseAt(config, Math.max(0, found.step - 1));
    const reading = config.task && readingSettingsOf(config.task);
    const place = { kind: 'checkpoint', manifestKey, examples, exampleFormat, reading } as const;
    return { step: found.step, place };
  }
  throw notFound(`no whole checkpoint of step ${step}; it has those of ${steps.join(', ')}`);
}
