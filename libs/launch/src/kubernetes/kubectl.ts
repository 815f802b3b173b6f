import { spawn } from 'node:child_process';
import { BerthError } from '@berth/contracts';
import { explainRefusal } from './explain-refusal.ts';

export interface KubectlPlace {
  /** That of kubectl's context when left out. */
  readonly namespace?: string | undefined;
  readonly context?: string | undefined;
}

const requestTimeoutSeconds = 30;
const timeoutMs = 120_000;

/**
 * Runs kubectl, with the user's own configuration.
 * @param input - for its standard input
 * @returns what it printed
 * @throws BerthError one line that says what to do: kubectl is not here, or the cluster refuses, or does not answer
 */
export async function kubectl(
  { namespace, context }: KubectlPlace,
  words: readonly string[],
  input = '',
): Promise<string> {
  const place = [
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    ...(context === undefined ? [] : [`--context=${context}`]),
    `--request-timeout=${requestTimeoutSeconds}s`,
  ];
  const child = spawn('kubectl', [...words, ...place], { signal: AbortSignal.timeout(timeoutMs) });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (texts[name] += text));
  // Whoever ends without reading says why on its standard error.
  child.stdin.on('error', () => undefined).end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(whyNotRun(error)));
    child.once('close', resolve);
  });
  if (code === 0) return texts.stdout;
  throw explainRefusal(texts.stderr);
}

function whyNotRun(error: Error): BerthError {
  if ('code' in error && error.code === 'ENOENT')
    return new BerthError(
      'USAGE',
      'kubectl is not here; install it, or print the manifests (without --apply) and apply them where it is',
      { cause: error },
    );
  return new BerthError('COORDINATOR_UNREACHABLE', `kubectl did not end: ${error.message}`, {
    cause: error,
  });
}
