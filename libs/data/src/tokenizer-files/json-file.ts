import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '@berth/contracts';

/** A tokenizer.json of a large vocabulary has some megabytes. */
const maxBytes = 256 * 2 ** 20;

/** The object in a JSON file, with typed access to what is asked of it. */
export class JsonFile {
  readonly path: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(path: string, fields: Readonly<Record<string, unknown>>) {
    this.path = path;
    this.#fields = fields;
  }

  has(key: string): boolean {
    return this.#fields[key] !== undefined && this.#fields[key] !== null;
  }

  get(key: string): unknown {
    return this.#fields[key];
  }

  /** @throws BerthError `CONFIG_INVALID` when it is there and no text */
  text(key: string, fallback?: string): string {
    return this.#value(key, fallback, (value) => typeof value === 'string', 'text');
  }

  /** @throws BerthError `CONFIG_INVALID` when it is there and no number */
  number(key: string, fallback?: number): number {
    return this.#value<number>(key, fallback, (value) => Number.isFinite(value), 'a number');
  }

  /** @throws BerthError `CONFIG_INVALID` unless it is a whole number between the limits */
  count(key: string, limits: { readonly min?: number; readonly max: number }): number {
    const { min = 1, max } = limits;
    const isCount = (value: unknown): boolean =>
      Number.isSafeInteger(value) && min <= Number(value) && Number(value) <= max;
    return this.#value<number>(key, undefined, isCount, `a whole number from ${min} to ${max}`);
  }

  /** The object under a key; an empty one where there is none. */
  object(key: string): JsonFile {
    const value = this.#fields[key];
    return new JsonFile(`${this.path}: ${key}`, isObject(value) ? value : {});
  }

  entries(): [string, unknown][] {
    return Object.entries(this.#fields);
  }

  /** The error of a file that says what berth cannot follow. */
  invalid(problem: string): BerthError {
    return new BerthError('CONFIG_INVALID', `${this.path}: ${problem}`);
  }

  #value<T>(
    key: string,
    fallback: T | undefined,
    isRight: (value: unknown) => boolean,
    what: string,
  ): T {
    const value = this.#fields[key] ?? fallback;
    if (isRight(value)) return value as T;
    throw this.invalid(`${key} must be ${what}, not ${JSON.stringify(value) ?? 'absent'}`);
  }
}

/** @returns undefined when there is no such file. @throws BerthError `CONFIG_INVALID` when it is no JSON object */
export async function readJsonFile(folder: string, name: string): Promise<JsonFile | undefined> {
  const path = join(folder, name);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  if (found.size > maxBytes)
    throw new BerthError('CONFIG_INVALID', `${path} has ${found.size} bytes: that is no ${name}`);
  const text = await readFile(path, 'utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return new JsonFile(path, value);
  } catch (error) {
    throw new BerthError('CONFIG_INVALID', `${path} is not JSON: ${String(error)}`, {
      cause: error,
    });
  }
  throw new BerthError('CONFIG_INVALID', `${path} holds no JSON object`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
