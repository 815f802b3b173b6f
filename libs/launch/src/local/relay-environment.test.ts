import { expect, it } from 'vitest';
import { relayEnvironment } from './relay-environment.ts';

const secret = 'what workers prove to each other';

it('tells a coordinator the secret of the workers only where it is to relay', () => {
  const first = relayEnvironment({ BERTH_RELAY_PORT: '' }, { secret, isFirst: true });
  expect(first['BERTH_SECRET']).toBeUndefined();
  const env = { BERTH_RELAY_PORT: '7800' };
  expect(relayEnvironment(env, { secret, isFirst: true })).toEqual({ BERTH_SECRET: secret });
  expect(relayEnvironment(env, { secret, isFirst: false })).toMatchObject({
    BERTH_SECRET: secret,
    BERTH_RELAY_PORT: '0',
  });
});
