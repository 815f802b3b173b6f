import type { EnginePort } from '@berth/training';

/** Weight of the newest step in the moving average. */
const weight = 0.3;

/** The same engine, which tells how long a virtual rank takes to compute: a moving average in milliseconds. */
export function watchPace(engine: EnginePort, onPace: (rankMs: number) => void): EnginePort {
  let rankMs: number | undefined;
  return {
    ...engine,
    async computeGradients(request, into, ready) {
      const startMs = performance.now();
      const gradient = await engine.computeGradients(request, into, ready);
      const newest = (performance.now() - startMs) / request.block.length;
      rankMs = rankMs === undefined ? newest : rankMs + weight * (newest - rankMs);
      onPace(rankMs);
      return gradient;
    },
  };
}
