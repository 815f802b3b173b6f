import { createHash, timingSafeEqual } from 'node:crypto';
import { BerthError } from '@berth/contracts';

/** What HTTP asks of those who come. */
export interface AccessPolicy {
  /** Host names that it answers to besides loopback's. */
  readonly names: readonly string[];
  /** What is told and done must be asked for with it. */
  readonly token: string;
}

export interface AccessOptions {
  /** Where it listens. */
  readonly host: string;
  readonly token: string | undefined;
  /** Names and addresses by which others reach it, with commas between. */
  readonly names?: string | undefined;
}

/** What of a request decides whether it is let in. */
export interface Approach {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site` and `Sec-Fetch-Mode`, from browsers. */
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
}

const minTokenLength = 16;
const everywhere = ['0.0.0.0', '::'];

/**
 * Checks that there is a token: other users of this machine reach loopback too.
 * @throws BerthError `CONFIG_INVALID`
 */
export function accessPolicy({ host, token, names = '' }: AccessOptions): AccessPolicy {
  if (token === undefined)
    throw new BerthError(
      'CONFIG_INVALID',
      'BERTH_API_TOKEN must be set: use the output of `openssl rand -hex 16`',
    );
  if (token.length < minTokenLength)
    throw new BerthError(
      'CONFIG_INVALID',
      `BERTH_API_TOKEN has ${token.length} characters; it needs at least ${minTokenLength}: ` +
        'use the output of `openssl rand -hex 16`',
    );
  const given = names.split(',').map((name) => name.trim());
  const all = [
    ...given.filter((name) => name !== ''),
    ...(everywhere.includes(host) ? [] : [host]),
  ];
  return { names: all.map(asHostName), token };
}

function asHostName(name: string): string {
  const found = hostNameOf(name.includes(':') && !name.startsWith('[') ? `[${name}]` : name);
  if (found !== undefined) return found;
  throw new BerthError(
    'CONFIG_INVALID',
    `BERTH_HTTP_NAMES: "${name}" is not a host name or address; use names without port, with commas between`,
  );
}

/** The error to answer a request with that is not let in, whatever token it carries. */
export function refusal(policy: AccessPolicy, approach: Approach): BerthError | undefined {
  const { method, host, origin, fetchSite, fetchMode } = approach;
  const name = hostNameOf(host ?? '');
  // A page whose name was made to lead here is of another site all the same.
  if (name === undefined || !(isLoopback(name) || policy.names.includes(name)))
    return refused(
      'This is no name of this coordinator: ask for http://127.0.0.1 with its port, or add the name to BERTH_HTTP_NAMES',
    );
  const isRead = method === 'GET' || method === 'HEAD';
  const isOfOtherSite = fetchSite === 'cross-site' || fetchSite === 'same-site';
  // Following a link to a page is no read by the site that has the link.
  if (isOfOtherSite && !(isRead && fetchMode === 'navigate'))
    return refused('Pages of other sites may not read or write');
  if (!isRead && origin !== undefined && !isSameOrigin(origin, host))
    return refused('Pages of other origins may not write');
  return undefined;
}

function refused(message: string): BerthError {
  return new BerthError('REQUEST_REFUSED', message);
}

/** Whether a request carries the token; in constant time, whatever the lengths. */
export function hasToken({ token }: AccessPolicy, authorization: string | undefined): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  try {
    return host !== undefined && new URL(origin).host === host.toLowerCase();
  } catch {
    return false;
  }
}

/** Of a Host header, without its port and as browsers write it; undefined for what is none. */
function hostNameOf(host: string): string | undefined {
  if (!/^[\w.:[\]-]+$/.test(host)) return undefined;
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return undefined;
  }
}

function isLoopback(name: string): boolean {
  return (
    name === 'localhost' || name === '[::1]' || (name.startsWith('127.') && /^[\d.]+$/.test(name))
  );
}
