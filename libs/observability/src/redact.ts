const secretKeys =
  /(password|passphrase|secret|secretaccesskey|accesskeyid|sessiontoken|apitoken|authtoken|authorization|apikey|credentials?|cookie)$/;
const secretVariables =
  /\b(BERTH_SECRET|BERTH_API_TOKEN|BERTH_S3_SECRET_KEY|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|REDIS_PASSWORD)=\S+/g;
const mask = '***';

/** A copy fit for a log: secrets masked by the name of their field, passwords in URLs masked, errors as plain fields. */
export function redact(value: unknown): unknown {
  return redactWithin(value, []);
}

/** Masks the password of every URL in a text, the token of links, and the secrets of an environment that was written out. */
export function redactText(text: string): string {
  // No part of it may match the same text from many starts: a long line must not take long.
  return (
    text
      .replaceAll(/(:\/\/[^\s:@/]*):[^\s@/]+@/g, `$1:${mask}@`)
      .replaceAll(secretVariables, `$1=${mask}`)
      // As links to the dashboard carry it.
      .replaceAll(/#token=[^\s&]+/g, `#token=${mask}`)
  );
}

function redactWithin(value: unknown, parents: readonly unknown[]): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (parents.includes(value)) return '[circular]';
  const within = [...parents, value];
  if (Array.isArray(value)) return value.map((item) => redactWithin(item, within));
  const fields = value instanceof Error ? errorFields(value) : Object.entries(value);
  return Object.fromEntries(
    fields.map(([key, field]) => [key, isSecret(key) ? mask : redactWithin(field, within)]),
  );
}

function isSecret(key: string): boolean {
  return secretKeys.test(key.toLowerCase().replaceAll(/[-_]/g, ''));
}

function errorFields(error: Error): [string, unknown][] {
  const { name, message, stack, cause } = error;
  const own = Object.entries(error).filter(([key]) => key !== 'name');
  const fields: [string, unknown][] = [['name', name], ['message', message], ...own];
  if (stack !== undefined) fields.push(['stack', stack]);
  if (cause !== undefined) fields.push(['cause', cause]);
  return fields;
}
