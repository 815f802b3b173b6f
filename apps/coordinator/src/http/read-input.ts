import { BerthError, type ApiOperation } from '@berth/contracts';
import type { Context } from 'hono';

/** What a request says, as an operation's schemas want it. */
export interface Input {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

type Schema = ApiOperation['params'];

/** @throws BerthError `RUN_NOT_FOUND` for what cannot be a run's name, `USAGE` for anything else that does not fit */
export async function readInput(operation: ApiOperation, context: Context): Promise<Input> {
  const params = operation.params.safeParse(context.req.param());
  if (!params.success) throw badParameter(params.error.issues);
  return {
    params: params.data,
    query: check(operation.query, queryOf(context), 'query'),
    body: check(operation.body, await bodyOf(operation, context), 'body'),
  };
}

function check(schema: Schema, value: unknown, place: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = [place, ...(issue?.path ?? [])].map(String).join('.');
  throw new BerthError('USAGE', `${where}: ${issue?.message ?? 'does not fit'}`);
}

function badParameter(
  issues: readonly { readonly path: PropertyKey[]; message: string }[],
): BerthError {
  const [issue] = issues;
  const name = String(issue?.path[0]);
  return name === 'runId'
    ? new BerthError(
        'RUN_NOT_FOUND',
        'There is no run of that name: names are lower-case letters, digits and hyphens',
      )
    : new BerthError('USAGE', `${name}: ${issue?.message ?? 'does not fit'}`);
}

function queryOf(context: Context): Record<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URL(context.req.url).searchParams) {
    if (query.has(name)) throw new BerthError('USAGE', `query.${name}: give it once`);
    query.set(name, value);
  }
  // The one name that a schema does not see.
  if (query.has('__proto__')) throw new BerthError('USAGE', 'query: no such key');
  return Object.fromEntries(query);
}

async function bodyOf({ method }: ApiOperation, context: Context): Promise<unknown> {
  if (method === 'GET') return {};
  const text = await context.req.text();
  if (text === '') return {};
  if (!/^application\/json\s*(;|$)/i.test(context.req.header('content-type') ?? ''))
    throw new BerthError('USAGE', 'A body must have the content type application/json');
  try {
    return JSON.parse(text);
  } catch {
    throw new BerthError('USAGE', 'The body is not JSON');
  }
}
