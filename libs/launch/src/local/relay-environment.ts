type Environment = Readonly<Record<string, string | undefined>>;

const names = ['BERTH_RELAY_HOST', 'BERTH_RELAY_PORT', 'BERTH_RELAY_ADVERTISE'];

/**
 * What a coordinator of a cluster on this machine is told of relaying: it knows the workers' secret only if a variable of the relay is
 * set. A standby takes any free port, since the one that is named is that of the first. Pure.
 */
export function relayEnvironment(
  env: Environment,
  { secret, isFirst }: { readonly secret: string; readonly isFirst: boolean },
): Record<string, string | undefined> {
  const isWanted = names.some((name) => (env[name] ?? '') !== '');
  return {
    BERTH_SECRET: isWanted ? secret : undefined,
    BERTH_SECRET_FILE: undefined,
    ...(!isFirst && { BERTH_RELAY_PORT: '0', BERTH_RELAY_ADVERTISE: undefined }),
  };
}
