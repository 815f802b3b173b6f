import { expect, it } from 'vitest';
import { simulate } from './simulate.ts';

it('runs', () => {
  const t = performance.now();
  let bad = 0, ev = 0, ms = 0, minFaults = 999;
  for (let seed = 0; seed < Number(process.env['N'] ?? 20); seed++) {
    const r = simulate(seed);
    ev += r.numEvents; ms += r.virtualMs; minFaults = Math.min(minFaults, r.numFaults);
    if (r.problem) { bad++; if (bad < 4) console.log(seed, r.problem, '\n' + r.trace); else console.log(seed, r.problem.slice(0,300)); }
  }
  console.log({ bad, ev, ms, minFaults, t: performance.now() - t });
  expect(bad).toBe(0);
});
