import { numStateSlices, stateDigest, type TrainingEngine } from '@berth/contracts';

/** Digests of all of an engine's state, then of each slice: as the engine makes them, and as they are by its contract. */
export function stateDigestsOf(engine: TrainingEngine): { given: string[]; expected: string[] } {
  const state = engine.readState();
  const parts = [undefined, ...Array.from({ length: numStateSlices }, (_, slice) => slice)];
  return {
    given: parts.map((slice) => engine.stateDigest(slice)),
    expected: parts.map((slice) => stateDigest(state, slice)),
  };
}
