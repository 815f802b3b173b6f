import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { inOwnNetwork, whyNoHosts } from '@berth/faults';

/**
 * Runs a program of Node again as it was started, with `--inside`, in a network of its own; ends as that does.
 * @throws Error in one line if this machine has no such networks
 */
export async function goInside(file: string): Promise<void> {
  const why = whyNoHosts();
  if (why !== undefined) throw new Error(why);
  const own = [...process.execArgv, file];
  const [program, args] = inOwnNetwork([...own, ...process.argv.slice(2), '--inside']);
  const [code] = (await once(spawn(program, args, { stdio: 'inherit' }), 'exit')) as [
    number | null,
  ];
  process.exitCode = code ?? 1;
}
