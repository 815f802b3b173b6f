import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { inOwnNetwork, whyNoHosts } from '@berth/faults';

export const name = 'hosts';

const timeoutMs = 900_000;
const program = fileURLToPath(new URL('./drive.mjs', import.meta.url));

/** @returns {Promise<string | undefined>} why it cannot run here */
export async function check() {
  return whyNoHosts();
}

/**
 * Trains on hosts that are network namespaces, through faults of their network, and compares the weights with those of a calm run.
 * @param {(line: string) => void} say
 */
export async function test(say) {
  const folder = await mkdtemp(join(tmpdir(), 'berth-hosts-'));
  const [command, args] = inOwnNetwork([program, folder]);
  // The driver ends when its standard input does, and with it all that it has started.
  const driver = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const exit = once(driver, 'exit');
  try {
    for await (const line of createInterface({ input: driver.stdout })) say(line);
    const [code, signal] = await exit;
    if (code !== 0) throw new Error(`the hosts' driver ended with ${signal ?? code}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
