import type { Axis, Curve } from './curve.ts';

/**
 * Exponential moving average over a window in units of x, so that it says the same whatever the density of points, and a
 * constant stays constant. Values that are missing are passed over and stay missing.
 * @param window - distance over which a value's weight falls to 1/e; 0 leaves everything as it is
 */
export function smooth(
  x: readonly number[],
  y: readonly (number | null)[],
  window: number,
): (number | null)[] {
  if (window <= 0) return [...y];
  let average = 0;
  let mass = 0;
  let previous = x[0] ?? 0;
  return y.map((value, i) => {
    const at = x[i] ?? previous;
    const keep = Math.exp(-(at - previous) / window);
    previous = at;
    average *= keep;
    mass *= keep;
    if (value === null) return null;
    // The share that one point of this spacing would have in the steady state; never none.
    const share = Math.max(1 - keep, 1e-9);
    average += share * value;
    mass += share;
    return average / mass;
  });
}

/** Windows that the slider offers, in steps. */
export const smoothingWindows = [0, 5, 10, 25, 50, 100, 250, 500, 1000, 2500] as const;

/** The window that shows where a run of so many steps is going: at most a sixtieth of it. */
export function windowFor(numSteps: number): number {
  return smoothingWindows.findLast((window) => window <= numSteps / 60) ?? 0;
}

/** A window of steps in units of x: on the time axis it is as long as those steps took on average. */
export function windowOnAxis(window: number, axis: Axis, curves: readonly Curve[]): number {
  if (axis === 'step' || window === 0) return window;
  const own = curves.filter(({ metric, isAbandoned }) => metric === 'loss' && !isAbandoned);
  const spanMs = own.reduce((sum, { x }) => sum + (x.at(-1) ?? 0) - (x[0] ?? 0), 0);
  const numSteps = own.flatMap(({ weight }) => weight).reduce((sum, value) => sum + value, 0);
  return numSteps > 1 ? (window * spanMs) / (numSteps - 1) : 0;
}
