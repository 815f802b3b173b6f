import { BerthError } from './errors.ts';

/** What a Redis URL says, decoded. */
export interface RedisPlace {
  /** `host:port`, or the path of a socket: for messages, without credentials. */
  readonly where: string;
  readonly server:
    | { readonly path: string }
    | { readonly host: string; readonly port: number; isTls: boolean };
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
}

const forms =
  'write redis://host:port, redis://:password@host:port or redis://user:password@host:port/database; rediss:// for TLS';
const encoding =
  'in a user or password write @ as %40, / as %2F, # as %23, ? as %3F, : as %3A and % as %25';

/**
 * Reads a Redis URL. A password with characters that mean something in a URL cuts it in a wrong place: whatever would
 * then be taken for a host, a database or an option may be a part of the password, so no message shows any of it.
 * @throws BerthError `CONFIG_INVALID`
 */
export function parseRedisUrl(text: string): RedisPlace {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid(`is not a URL; ${forms}; ${encoding}`);
  }
  const isSocket = url.protocol === 'unix:';
  if (!isSocket && url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    throw invalid(`must start with redis://, rediss:// or unix://; ${forms}`);
  const parameters = isSocket ? ['db'] : [];
  const isOdd = [...url.searchParams.keys()].some((name) => !parameters.includes(name));
  if (isOdd || url.hash !== '')
    throw invalid(`goes on after the database, or its password is not encoded; ${encoding}`);
  const credentials = credentialsOf(url);
  if (isSocket) {
    const path = decoded(url.pathname);
    const database = databaseOf(url.searchParams.get('db') ?? '');
    return { where: path, server: { path }, database, ...credentials };
  }
  const database = databaseOf(url.pathname.slice(1));
  // An address of IPv6 stands in brackets in a URL only.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (host === '') throw invalid(`names no host; ${forms}; ${encoding}`);
  const port = Number(url.port || 6379);
  const isTls = url.protocol === 'rediss:';
  return {
    where: `${url.hostname}:${port}`,
    server: { host, port, isTls },
    database,
    ...credentials,
  };
}

function credentialsOf(url: URL): { username?: string; password?: string } {
  const [username, password] = [decoded(url.username), decoded(url.password)];
  if (username !== '' && password === '')
    throw invalid('names a user without a password; a password alone is redis://:password@host');
  return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
}

function databaseOf(text: string): number {
  if (!/^\d{0,6}$/.test(text))
    throw invalid(`has no number for a database, or its password is not encoded; ${encoding}`);
  return Number(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`has a % that encodes nothing; ${encoding}`);
  }
}

function invalid(what: string): BerthError {
  return new BerthError('CONFIG_INVALID', `REDIS_URL ${what}`);
}
