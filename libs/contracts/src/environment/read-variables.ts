import { z } from 'zod';
import { BerthError } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables that a schema names, of which an empty one counts as not set.
 * @throws BerthError `CONFIG_INVALID` naming the variable, what it is and what it may be
 */
export function readVariables<S extends z.ZodObject>(schema: S, env: Environment): z.output<S> {
  const names = Object.keys(schema.shape);
  const given = names.filter((name) => (env[name] ?? '').trim() !== '');
  const parsed = schema.safeParse(Object.fromEntries(given.map((name) => [name, env[name]])));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0]);
  throw new BerthError('CONFIG_INVALID', `${name} is "${env[name]}"; ${issue?.message}`);
}

type NumberVariable = z.ZodType<number, string>;

const wholeNumber = (least: number, most: number, message: string): NumberVariable =>
  z
    .string()
    .transform(Number)
    .refine((value) => Number.isInteger(value) && value >= least && value <= most, message);

export const countVariable = (most: number): NumberVariable =>
  wholeNumber(1, most, `use a whole number from 1 to ${most}`);

/** Zero: any free one. */
export const portVariable = wholeNumber(0, 65_535, 'use a port number');

/** Milliseconds since 1970. */
export const timeVariable = wholeNumber(0, Number.MAX_SAFE_INTEGER, 'use milliseconds');

/** `host:port`. */
export const endpointVariable = z.string().transform((text, context) => {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  context.addIssue('write host:port, where workers reach it');
  return z.NEVER;
});

/** A time span in milliseconds, of a second or more. @param most - the longest */
export const durationVariable = (most: number): NumberVariable =>
  wholeNumber(1_000, most, `use milliseconds from 1000 to ${most}`);
