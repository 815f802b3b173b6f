import type { TrainingEngine } from '@berth/contracts';
import type { EnginePort } from './ports.ts';

/** An engine of this very thread as a port; calls block until done. */
export function engineInThisThread(engine: TrainingEngine): EnginePort {
  const { holdGradients, enterPhase } = engine;
  return {
    ...(holdGradients && {
      holdGradients: async (request) => holdGradients.call(engine, request),
    }),
    ...(enterPhase && { enterPhase: async (phase) => enterPhase.call(engine, phase) }),
    task: engine.task,
    layout: engine.layout,
    initialize: async (seed) => engine.initialize(seed),
    loadState: async (state) => engine.loadState(state),
    readState: async (into) => engine.readState(into),
    stateDigest: async (slice) => engine.stateDigest(slice),
    computeGradients: async (request) => engine.computeGradients(request),
    takeGradients: async (reduced) => engine.takeGradients(reduced),
    applyHeldGradients: async () => engine.applyHeldGradients(),
    evaluate: async (batch) => engine.evaluate(batch),
    predict: async (batch) => engine.predict(batch),
    measure: async (batch) => engine.measure(batch),
  };
}
