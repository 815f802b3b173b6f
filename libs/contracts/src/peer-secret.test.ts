import { describe, expect, it } from 'vitest';
import { peerSecretFromEnvironment, requirePeerSecret } from './peer-secret.ts';

const noFile = (path: string): string => {
  throw new Error(`ENOENT: ${path}`);
};

describe('the secret of the peers', () => {
  it('comes from the environment or from a file, without the white space around it', () => {
    const env = { BERTH_SECRET: ' sixteen letters! ' };
    expect(requirePeerSecret(env, noFile)).toBe('sixteen letters!');
    const read = (path: string): string => `${path} holds a secret\n`;
    expect(requirePeerSecret({ BERTH_SECRET_FILE: '/run/s' }, read)).toBe('/run/s holds a secret');
  });

  it('comes from the environment when both are set', () => {
    const env = { BERTH_SECRET: 'of the environment', BERTH_SECRET_FILE: '/run/s' };
    expect(requirePeerSecret(env, noFile)).toBe('of the environment');
  });

  it.each([{}, { BERTH_SECRET: '' }, { BERTH_SECRET: '', BERTH_SECRET_FILE: '' }])(
    'is required in one line that says how to make one: %j',
    (env) => {
      expect(peerSecretFromEnvironment(env, noFile)).toBeUndefined();
      expect(() => requirePeerSecret(env, noFile)).toThrow(
        /^BERTH_SECRET is not set.*`berth init`.*`openssl rand -hex 32`[^\n]*$/,
      );
    },
  );

  it('is refused when it is short, and never shown', () => {
    const short = { BERTH_SECRET: 'fifteen letters' };
    expect(() => requirePeerSecret(short, noFile)).toThrow(/has 15 characters, at least 16/);
    expect(() => requirePeerSecret(short, noFile)).not.toThrow(/fifteen/);
    expect(() => requirePeerSecret({ BERTH_SECRET_FILE: '/run/s' }, () => '\n')).toThrow(
      /^BERTH_SECRET_FILE: \/run\/s has 0 characters/,
    );
  });

  it('names the file that cannot be read', () => {
    expect(() => requirePeerSecret({ BERTH_SECRET_FILE: '/run/s' }, noFile)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: 'BERTH_SECRET_FILE: ENOENT: /run/s',
      }),
    );
  });
});
