import { BerthError } from './errors.ts';

/** The error of whoever cannot listen where it should. */
export function portTaken(host: string, port: number, cause: unknown): BerthError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const detail = cause instanceof Error ? cause.message : String(cause);
  const why = code === 'EADDRINUSE' ? 'another program has that port' : detail;
  return new BerthError(
    'CONFIG_INVALID',
    `HTTP cannot listen on ${host}:${port}: ${why}; stop it, or choose another port: --port with \`berth up\`, ` +
      'BERTH_PORT in .env with compose',
    { cause },
  );
}
