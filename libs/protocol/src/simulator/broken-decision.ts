import { decideRun, type RunMemory, type RunRules, type RunSnapshot } from '../index.ts';
import type { World } from './world.ts';

/** `decideRun`, without the part that a sabotage takes away. What it decides is part of the trace. */
export function brokenDecision(world: World, name: string): typeof decideRun {
  return (nowMs, memory, snapshot, rules) => {
    const isBlind = world.sabotage === 'no-older-watch';
    const known = isBlind ? blindMemory(memory) : memory;
    const seen = isBlind ? blindSnapshot(snapshot) : snapshot;
    const decision = decideRun(nowMs, known, seen, rulesOf(world, rules));
    if (decision.kind !== 'keep') world.trace.note(name, decision.reason);
    return world.lacks('attempts-of-all')
      ? { ...decision, memory: attemptsOfAll(decision.memory) }
      : decision;
  };
}

/** To one that does not notice that Redis came back older. */
function blindMemory(memory: RunMemory): RunMemory {
  return { ...memory, seen: { numCommitted: 0, view: undefined } };
}

function blindSnapshot(snapshot: RunSnapshot): RunSnapshot {
  return { ...snapshot, fencingEpoch: Infinity, serverEpoch: 0 };
}

function rulesOf(world: World, rules: RunRules): RunRules {
  if (world.sabotage === 'no-rest-watch') return { ...rules, restGraceMs: Infinity };
  return world.lacks('join-at-once') ? { ...rules, stepTimeoutMs: 0 } : rules;
}

function attemptsOfAll(memory: RunMemory): RunMemory {
  const { attempts } = memory;
  const total = [...attempts.counts.values()].reduce((sum, count) => sum + count, 0);
  return { ...memory, attempts: { ...attempts, count: total } };
}
