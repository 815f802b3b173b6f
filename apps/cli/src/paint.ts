import { isatty } from 'node:tty';

/** How a stretch of text looks on a terminal with colours. */
export type Style = 'first' | 'second' | 'label' | 'replaced' | 'dim' | 'strong';

const codes: Readonly<Record<Style, readonly [number, number]>> = {
  first: [36, 39],
  second: [35, 39],
  label: [32, 39],
  replaced: [33, 39],
  dim: [2, 22],
  strong: [1, 22],
};

/** Puts colours into text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** Whether standard output shows colours: a terminal does, unless NO_COLOR is set (no-color.org) or it is a dumb one. */
export function showsColours(env: Readonly<Record<string, string | undefined>>): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if ((env['FORCE_COLOR'] ?? '') !== '') return env['FORCE_COLOR'] !== '0';
  return isatty(1) && env['TERM'] !== 'dumb';
}

export function painter(isColoured: boolean): Paint {
  if (!isColoured) return (_, text) => text;
  return (style, text) => {
    const [on, off] = codes[style];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  };
}

/** Prints a result that has colours, and of which everything else is `harmless` already. */
export function printPainted(text: string): void {
  process.stdout.write(`${text}\n`);
}
