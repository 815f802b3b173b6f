import { BerthError } from './errors.ts';

const minLength = 16;

/**
 * What workers prove to each other that they have: BERTH_SECRET, or the contents of the file that BERTH_SECRET_FILE names.
 * White space around it does not count.
 * @param readFile - of a path, in UTF-8; may throw
 * @returns undefined if neither is set
 * @throws BerthError `CONFIG_INVALID` if the file cannot be read, or the secret is shorter than 16 characters
 */
export function peerSecretFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): string | undefined {
  // Compose files set what nobody has filled in to nothing.
  const { BERTH_SECRET: text = '', BERTH_SECRET_FILE: file = '' } = env;
  if (text === '' && file === '') return undefined;
  const secret = (text === '' ? readSecret(file, readFile) : text).trim();
  if (secret.length >= minLength) return secret;
  const variable = text === '' ? `BERTH_SECRET_FILE: ${file}` : 'BERTH_SECRET';
  throw new BerthError(
    'CONFIG_INVALID',
    `${variable} has ${secret.length} characters, at least ${minLength} are needed; ${howToMake}`,
  );
}

/** The secret, or an error that says how to make one. @throws BerthError `CONFIG_INVALID` */
export function requirePeerSecret(...source: Parameters<typeof peerSecretFromEnvironment>): string {
  const secret = peerSecretFromEnvironment(...source);
  if (secret !== undefined) return secret;
  throw new BerthError(
    'CONFIG_INVALID',
    `BERTH_SECRET is not set, which the workers of a cluster prove to each other; ${howToMake}`,
  );
}

const howToMake =
  '`berth init` writes one, `openssl rand -hex 32` makes one; give all workers the same, in BERTH_SECRET or a file that BERTH_SECRET_FILE names';

function readSecret(file: string, readFile: (path: string) => string): string {
  try {
    return readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BerthError('CONFIG_INVALID', `BERTH_SECRET_FILE: ${reason}`, { cause });
  }
}
