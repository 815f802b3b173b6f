import { readFileSync } from 'node:fs';
import {
  coordinatorVariables,
  peerSecretFromEnvironment,
  readVariables,
  requireServices,
  type Environment,
  type Services,
} from '@berth/contracts';
import type { Scope } from '@berth/protocol';
import type { RelaySettings } from './relay/start-relay.ts';

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
  /** How it relays between workers of which neither can dial the other; undefined without their secret. */
  readonly relay: RelaySettings | undefined;
  /** What it may take up. @defaultValue all runs */
  readonly scope?: Scope | undefined;
}

/** @throws BerthError `CONFIG_INVALID` naming the variable that is missing or wrong */
export function readEnvironment(env: Environment): CoordinatorEnvironment {
  const variables = readVariables(coordinatorVariables, env);
  const { BERTH_OWN_RUN: runId, BERTH_OWN_SINCE_MS: sinceMs } = variables;
  const secret = peerSecretFromEnvironment(env, (path) => readFileSync(path, 'utf8'));
  return {
    services: requireServices(env),
    host: variables.BERTH_HTTP_HOST,
    port: variables.BERTH_HTTP_PORT,
    token: variables.BERTH_API_TOKEN,
    names: variables.BERTH_HTTP_NAMES,
    relay:
      secret === undefined
        ? undefined
        : {
            secret,
            host: variables.BERTH_RELAY_HOST,
            port: variables.BERTH_RELAY_PORT,
            advertise: variables.BERTH_RELAY_ADVERTISE,
          },
    scope: runId === undefined ? undefined : { runId, sinceMs },
  };
}
