import type { OptimizerConfig } from '@berth/contracts';
import { adamwUpdate } from './adamw.ts';
import { lambUpdate } from './lamb.ts';
import type { UpdateRule } from './update-rule.ts';

/** The update rule of each optimizer name. */
export const updateRules: Record<OptimizerConfig['name'], UpdateRule> = {
  adamw: adamwUpdate,
  lamb: lambUpdate,
};
