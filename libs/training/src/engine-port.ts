import type { TrainingEngine } from '@berth/contracts';
import type { EnginePort } from './ports.ts';

/** An engine of this very thread as a port; calls block until done. */
export function engineInThisThread(engine: TrainingEngine): EnginePort {
  const { holdGradients, applyHeldGradients } = engine;
  return {
    ...(holdGradients &&
      applyHeldGradients && {
        held: {
          compute: async (request) => holdGradients.call(engine, request),
          apply: async () => applyHeldGradients.call(engine),
        },
      }),
    layout: engine.layout,
    initialize: async (seed) => engine.initialize(seed),
    loadState: async (state) => engine.loadState(state),
    readState: async (into) => engine.readState(into),
    computeGradients: async (request) => engine.computeGradients(request),
    applyGradients: async (reduced) => engine.applyGradients(reduced),
    evaluate: async (batch) => engine.evaluate(batch),
  };
}
