/** An option of `parseArgs` that takes a value. */
export const text = (value: string) => ({ type: 'string', default: value }) as const;

/** One that takes none. */
export const flag = { type: 'boolean', default: false } as const;

/** What every benchmark takes. */
export const commonOptions = { json: flag, help: flag } as const;

/** @throws RangeError that names the option */
export function oneOf<T extends string>(option: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined)
    throw new RangeError(`--${option} is one of ${choices.join(', ')}, not ${value}`);
  return found;
}

/** @throws RangeError that names the option */
export function countOf(option: string, value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count > 0) return count;
  throw new RangeError(`--${option} is a positive number, not ${value}`);
}
