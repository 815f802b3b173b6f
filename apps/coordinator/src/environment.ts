import {
  coordinatorVariables,
  readVariables,
  requireServices,
  type Environment,
  type Services,
} from '@berth/contracts';
import type { Scope } from '@berth/protocol';

/** What a coordinator is told by its environment. */
export interface CoordinatorEnvironment {
  readonly services: Services;
  /** Where HTTP listens. */
  readonly host: string;
  readonly port: number;
  /** Asked of those who want something by HTTP. */
  readonly token: string | undefined;
  /** Host names by which others reach it, with commas between. */
  readonly names: string | undefined;
  /** What it may take up. @defaultValue all runs */
  readonly scope?: Scope | undefined;
}

/** @throws BerthError `CONFIG_INVALID` naming the variable that is missing or wrong */
export function readEnvironment(env: Environment): CoordinatorEnvironment {
  const variables = readVariables(coordinatorVariables, env);
  const { BERTH_OWN_RUN: runId, BERTH_OWN_SINCE_MS: sinceMs } = variables;
  return {
    services: requireServices(env),
    host: variables.BERTH_HTTP_HOST,
    port: variables.BERTH_HTTP_PORT,
    token: variables.BERTH_API_TOKEN,
    names: variables.BERTH_HTTP_NAMES,
    scope: runId === undefined ? undefined : { runId, sinceMs },
  };
}
