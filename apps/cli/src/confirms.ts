import { createInterface } from 'node:readline/promises';
import { BerthError } from '@berth/contracts';

/**
 * Whether the person at the terminal says yes.
 * @param question - with `[y/N]` at its end
 * @throws BerthError `USAGE` when nobody can be asked
 */
export async function confirms(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new BerthError('USAGE', `${question.replace(/ \[.*$/, '')} Say so with --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
