import { toBerthError } from '@berth/contracts';

/** What a check of the doctor found: `warn` works but should be changed, `fail` does not work. */
export interface Finding {
  readonly name: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  /** One line: what is so and, unless all is well, how to fix it. */
  readonly detail: string;
}

export const ok = (name: string, detail: string): Finding => ({ name, verdict: 'ok', detail });
export const warn = (name: string, detail: string): Finding => ({ name, verdict: 'warn', detail });

/** The doctor says what the program that would have failed says. */
export const fail = (name: string, error: unknown): Finding => ({
  name,
  verdict: 'fail',
  detail: typeof error === 'string' ? error : toBerthError(error).message,
});

/** `redis    ok    7.0.15 at 127.0.0.1:6379, noeviction, append-only file` */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .map(({ name, verdict, detail }) => `${name.padEnd(width)}  ${verdict.padEnd(4)}  ${detail}`)
    .join('\n');
}
