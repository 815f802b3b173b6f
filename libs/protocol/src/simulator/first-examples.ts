import { cursorOfStep, phaseAt, type Cursor } from '@berth/contracts';
import type { Ask } from '../index.ts';
import type { World } from './world.ts';

/** Where the examples of a step begin, as `createPhasedSource` finds it: by the step alone, whoever did the one before. */
export function firstExamples(
  { redis, sabotage }: World,
  { step, cursor }: Extract<Ask, { kind: 'readExamples' }>,
  lastStep: number | undefined,
): Cursor {
  if (sabotage === 'phase-by-memory' && lastStep !== step - 1) return cursor;
  return cursorOfStep(phaseAt(redis.record.config, step), step, cursor);
}
