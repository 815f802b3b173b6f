import { z } from 'zod';
import { plainEngine } from './plain-engine.ts';

/** What started a worker and ends it, as a short word: `slurm`, `kubernetes`. */
export const engineSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,23}$/, 'it is a word of up to 24 small letters, such as slurm');

/** Engines by which some members came, each once and in order. Whoever names none came by `plainEngine`. */
export function enginesOf(
  members: readonly { readonly engine?: string | undefined }[],
): readonly string[] {
  return [...new Set(members.map(({ engine = plainEngine }) => engine))].sort();
}
