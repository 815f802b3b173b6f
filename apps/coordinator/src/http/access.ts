import { createHash, timingSafeEqual } from 'node:crypto';
import { BerthError } from '@berth/contracts';

/** Where HTTP listens and what it asks of those who write. */
export interface AccessPolicy {
  /** True when only this machine can connect. */
  readonly isLoopback: boolean;
  /** Writes must carry it. */
  readonly token: string | undefined;
}

/** What of a request decides whether it is let in. */
export interface Approach {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`, from browsers. */
  readonly fetchSite: string | undefined;
  readonly authorization: string | undefined;
}

const minTokenLength = 16;

/**
 * Checks that a coordinator that others can reach has a token.
 * @throws BerthError `CONFIG_INVALID`
 */
export function accessPolicy(host: string, token: string | undefined): AccessPolicy {
  const isLoopback = isLoopbackHost(host);
  if (token !== undefined && token.length < minTokenLength)
    throw new BerthError(
      'CONFIG_INVALID',
      `BERTH_API_TOKEN has ${token.length} characters; it needs at least ${minTokenLength}: ` +
        'use the output of `openssl rand -hex 16`',
    );
  if (!isLoopback && token === undefined)
    throw new BerthError(
      'CONFIG_INVALID',
      `BERTH_HTTP_HOST ${host} lets others in, so BERTH_API_TOKEN must be set: ` +
        'use the output of `openssl rand -hex 16`, or listen on 127.0.0.1',
    );
  return { isLoopback, token };
}

/** The error to answer a request with that is not let in. */
export function refusal(policy: AccessPolicy, approach: Approach): BerthError | undefined {
  const { method, host, origin, fetchSite } = approach;
  if (policy.isLoopback && !isLoopbackHost(hostNameOf(host)))
    return refused(
      'This coordinator answers on loopback only: ask for http://127.0.0.1 with its port',
    );
  if (method === 'GET' || method === 'HEAD') return undefined;
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none')
    return refused('Pages of other sites may not write');
  if (origin !== undefined && !isSameOrigin(origin, host))
    return refused('Pages of other origins may not write');
  if (policy.token === undefined || hasToken(approach.authorization, policy.token))
    return undefined;
  return new BerthError(
    'REQUEST_UNAUTHORIZED',
    'Writes need the header `Authorization: Bearer TOKEN` with the value of BERTH_API_TOKEN',
  );
}

function refused(message: string): BerthError {
  return new BerthError('REQUEST_REFUSED', message);
}

/** In constant time, whatever the lengths. */
function hasToken(authorization: string | undefined, token: string): boolean {
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

/** Of a Host header, without port and brackets. */
function hostNameOf(host: string | undefined): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host ?? '');
  return match?.[1] ?? match?.[2] ?? '';
}

function isLoopbackHost(name: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(name);
}
