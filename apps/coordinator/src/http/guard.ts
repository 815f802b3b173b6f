import { BerthError } from '@berth/contracts';
import type { Context, MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { hasToken, refusal, type AccessPolicy } from './access.ts';
import { clientOf } from './client-of.ts';
import { RateLimit, type Rate } from './rate-limit.ts';

/** How often one client may do what costs something. */
export interface RequestRates {
  readonly writes: Rate;
  readonly expensiveReads: Rate;
  /** Requests without the right token. */
  readonly badTokens: Rate;
}

export const defaultRates: RequestRates = {
  writes: { perSecond: 10, burst: 60 },
  expensiveReads: { perSecond: 40, burst: 200 },
  badTokens: { perSecond: 1, burst: 20 },
};

/** Lets in whoever the policy lets in. */
export function guard(policy: AccessPolicy): MiddlewareHandler {
  return async (context, next) => {
    const header = (name: string): string | undefined => context.req.header(name);
    const refused = refusal(policy, {
      method: context.req.method,
      host: header('host'),
      origin: header('origin'),
      fetchSite: header('sec-fetch-site'),
      fetchMode: header('sec-fetch-mode'),
    });
    if (refused !== undefined) throw refused;
    await next();
  };
}

/**
 * Asks for the token. Who has it is never kept waiting by those who guess from the same address: whatever their number, it is too
 * long to be guessed.
 */
export function requireToken(policy: AccessPolicy, rate: Rate): (context: Context) => void {
  const limitGuesses = limitRate(rate);
  return (context) => {
    if (hasToken(policy, context.req.header('authorization'))) return;
    limitGuesses(context);
    context.header('WWW-Authenticate', 'Bearer');
    throw new BerthError(
      'REQUEST_UNAUTHORIZED',
      'This needs the header `Authorization: Bearer TOKEN`: the value of BERTH_API_TOKEN, or what `berth up` keeps in .berth/api-token; ' +
        'the link that it prints carries it',
    );
  };
}

/** Adds to every answer what browsers must know. Whether there is TLS in front, and for how long, is not ours to say. */
export const browserHeaders: MiddlewareHandler = secureHeaders({
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    manifestSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

/** Answers that do not say how long they may be kept are not kept. */
export const noStore: MiddlewareHandler = async (context, next) => {
  await next();
  const { headers } = context.res;
  if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store');
};

/** Limits how often a client may call. */
export function limitRate(rate: Rate): (context: Context) => void {
  const limit = new RateLimit(rate);
  return (context) => {
    const waitMs = limit.take(clientOf(context), performance.now());
    if (waitMs === 0) return;
    const seconds = Math.ceil(waitMs / 1_000);
    context.header('Retry-After', String(seconds));
    throw new BerthError('REQUEST_TOO_FREQUENT', `Too many requests; wait ${seconds} s`);
  };
}
