import { isFinal, type Control, type ControlRequest, type RunRecord } from '@berth/contracts';
import { decideControl } from '../lifecycle/decide-control.ts';
import type { StoreModel } from './store-model.ts';
import { numSteps, type World } from './world.ts';

const pollMs = 300;

/** Who resumes the run whenever it rests, from an older checkpoint when that was asked for. */
export class SimOperator {
  readonly #world: World;
  #numRewinds = 0;

  constructor(world: World) {
    this.#world = world;
    this.#look();
  }

  /** What an operator asks of the run, as the coordinator that is asked decides it. @returns whether it changes anything */
  control(control: Control, request: ControlRequest = {}): boolean {
    const { redis, store, timeMs } = this.#world;
    if (!redis.runs.hasRecord) return false;
    const { record } = redis;
    const checkpointSteps = stepsOf(store, record);
    const snapshot = { numCommitted: redis.ledger.length, checkpointSteps, unsavedMs: 0 };
    const decision = decideControl(timeMs, record, snapshot, control, request);
    if (decision.kind !== 'change') return false;
    redis.runs.change(decision.change);
    return true;
  }

  /** Kills the run, to resume it from an older checkpoint. */
  rewind(): void {
    this.#numRewinds++;
    this.control('kill');
  }

  #look(): void {
    const { clock, redis, store, random } = this.#world;
    if (isFinal(redis.record.status)) {
      const steps = stepsOf(store, redis.record).filter((step) => step < numSteps);
      const fromStep = this.#numRewinds > 0 ? random.pick(steps) : undefined;
      if (this.control('resume', fromStep === undefined ? {} : { fromStep })) {
        if (fromStep !== undefined) this.#numRewinds--;
        store.archive(redis.record);
      }
    }
    clock.after(pollMs, () => this.#look());
  }
}

/** Steps of the checkpoints that a run can go on from, oldest first. */
function stepsOf(store: StoreModel, { attempts }: RunRecord): number[] {
  return [...new Set(store.onLine(attempts).map(({ step }) => step))];
}
