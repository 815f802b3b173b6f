import type { View, ViewMember, WireError } from '@berth/contracts';
import { viewName } from '../ledger/view-id.ts';
import type { SimProcess } from './sim-process.ts';
import type { Weights } from './toy-model.ts';
import { simError, type World } from './world.ts';

const pollMs = 20;
const numSlices = 4;

/** A state on offer, as its label says. */
interface Offer {
  readonly view: string;
  readonly step: number;
  readonly weights: Weights;
}

/** How one member gives its state to others and copies theirs: in slices, from all donors at once. */
export class StateCopies {
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #directory: ReadonlyMap<string, StateCopies>;
  #offer: Offer | undefined;

  constructor(world: World, process: SimProcess, directory: ReadonlyMap<string, StateCopies>) {
    this.#world = world;
    this.#process = process;
    this.#directory = directory;
  }

  /** The one memory for states is put to another use. */
  withdraw(): void {
    this.#offer = undefined;
  }

  offer(view: View, step: number, weights: Weights): void {
    this.#offer = { view: viewName(view), step, weights };
  }

  /** Asks each slice of a donor, and of the next one if that is gone. */
  copy(
    wanted: { readonly view: View; readonly step: number; readonly donors: readonly ViewMember[] },
    timeoutMs: number,
    done: (weights: Weights) => void,
    fail: (error: WireError) => void,
  ): void {
    const { clock, random } = this.#world;
    const names = wanted.donors.map(({ memberId }) => memberId);
    const missing = names.join(', ');
    const deadlineMs = clock.nowMs + timeoutMs;
    const slices = new Map<number, string>();
    this.withdraw();
    this.#process.after(timeoutMs, () =>
      fail(simError('COLLECTIVE_TIMEOUT', `no state from ${missing}`, { missing })),
    );
    const arrived = (index: number, slice: string): void => {
      slices.set(index, slice);
      if (slices.size < numSlices) return;
      done(Array.from({ length: numSlices }, (_, place) => slices.get(place)).join(''));
    };
    const ask = (index: number, numLost: number): void => {
      const donor = this.#directory.get(names[(index + numLost) % names.length] ?? '');
      const next = (): void => ask(index, numLost + 1);
      if (numLost === names.length) {
        const lost = simError('COLLECTIVE_PEER_LOST', `${missing} are gone`, { missing });
        this.#process.after(1, () => fail(lost));
      } else if (donor === undefined || !donor.#process.isAlive) next();
      else if (donor.#offer !== undefined && this.#fits(donor.#offer, wanted)) {
        const slice = sliceOf(donor.#offer.weights, index);
        this.#process.after(random.between(2, 60), () =>
          donor.#process.isAlive ? arrived(index, slice) : next(),
        );
      } else if (clock.nowMs < deadlineMs) this.#process.after(pollMs, () => ask(index, numLost));
    };
    for (let index = 0; index < numSlices; index++) ask(index, 0);
  }

  #fits(offer: Offer, { view, step }: { readonly view: View; readonly step: number }): boolean {
    if (this.#world.sabotage === 'no-state-fence') return true;
    return offer.view === viewName(view) && offer.step === step;
  }
}

function sliceOf(weights: Weights, index: number): string {
  const length = Math.ceil(weights.length / numSlices);
  return weights.slice(index * length, (index + 1) * length);
}
