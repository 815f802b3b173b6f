import type { SimProcess } from './sim-process.ts';
import type { Weights } from './toy-model.ts';
import type { World } from './world.ts';

/** Evaluates weights, and tells it until Redis has heard it or the session is over. */
export function reportEvaluation(
  world: World,
  process: SimProcess,
  {
    step,
    weights,
    isOver,
  }: { readonly step: number; readonly weights: Weights; readonly isOver: () => boolean },
  done: () => void,
): void {
  const report = (): void => {
    if (isOver()) return;
    world.call(
      process,
      (redis) => redis.notes.addEvaluation(step, weights),
      done,
      () => process.after(500, report),
    );
  };
  process.after(world.random.between(10, 20), report);
}
