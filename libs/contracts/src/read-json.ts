import type { z } from 'zod';
import { BerthError } from './errors.ts';

/** A value as far as it could be read, or what is wrong with it. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** Reads the text of what another process wrote, perhaps one of another release: see `readKnown`. */
export function readJson<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): Reading<z.output<Schema>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
  return readKnown(schema, value);
}

/**
 * Reads a value that another release may have written: keys that the schema does not know are left out, at any depth.
 * What is written stays strict.
 */
export function readKnown<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Reading<z.output<Schema>> {
  try {
    return readLeniently(schema, value);
  } catch (error) {
    // As of a value nested so deeply that no walk through it ends.
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

function readLeniently<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Reading<z.output<Schema>> {
  const strict = schema.safeParse(value);
  if (strict.success) return { ok: true, value: strict.data };
  const known = structuredClone(value);
  for (const issue of strict.error.issues)
    if (issue.code === 'unrecognized_keys') drop(known, issue.path, issue.keys);
  const lenient = schema.safeParse(known);
  if (lenient.success) return { ok: true, value: lenient.data };
  const [first] = lenient.error.issues;
  return { ok: false, problem: `${first?.path.join('.') || 'it'}: ${first?.message}` };
}

/**
 * Puts into a value what its schema does not know of the one that it replaces: whoever rewrites what a later release wrote takes nothing
 * away. Lists may have grown at their end only.
 */
export function withUnknown<T extends object>(schema: z.ZodType, before: unknown, after: T): T {
  const strict = schema.safeParse(before);
  if (strict.success) return after;
  const kept = structuredClone(after);
  for (const issue of strict.error.issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const [from, to] = [at(before, issue.path), at(kept, issue.path)];
    if (from === undefined || to === undefined) continue;
    for (const key of issue.keys) to[key] = from[key];
  }
  return kept;
}

/** As `readKnown`. @throws BerthError `INTERNAL` saying what cannot be read, and why */
export function requireKnown<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const reading = readKnown(schema, value);
  if (reading.ok) return reading.value;
  throw new BerthError(
    'INTERNAL',
    `${what} cannot be read; is it of another release of berth? ${reading.problem}`,
  );
}

function drop(root: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  const holder = at(root, path);
  for (const key of keys) delete holder?.[key];
}

/** The object at a path; undefined where there is none. */
function at(root: unknown, path: readonly PropertyKey[]): Record<PropertyKey, unknown> | undefined {
  let found: unknown = root;
  for (const key of path) found = (found as Record<PropertyKey, unknown> | undefined)?.[key];
  return typeof found === 'object' && found !== null
    ? (found as Record<PropertyKey, unknown>)
    : undefined;
}
