import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again and again, as a kubelet does, until the signal aborts.
 * @param {object} probe - of the container's spec, with the API server's defaults
 * @param {{ host: string, ports: readonly object[], run: (command: readonly string[]) => import('node:child_process').ChildProcess }} target
 * @param {(isWell: boolean) => void} tell - once it has answered the same so often as the probe's thresholds say
 * @param {AbortSignal} signal
 */
export async function probeUntil(probe, target, tell, signal) {
  const { initialDelaySeconds = 0, periodSeconds, successThreshold, failureThreshold } = probe;
  let numSame = 0;
  let last;
  try {
    await sleep(initialDelaySeconds * 1000, undefined, { signal });
    for (;;) {
      const isWell = await ask(probe, target);
      numSame = isWell === last ? numSame + 1 : 1;
      last = isWell;
      if (signal.aborted) return;
      if (numSame >= (isWell ? successThreshold : failureThreshold)) tell(isWell);
      await sleep(periodSeconds * 1000, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function ask({ exec, httpGet, tcpSocket, timeoutSeconds }, { host, ports, run }) {
  const portOf = (port) => ports.find(({ name }) => name === port)?.containerPort ?? port;
  const timeoutMs = timeoutSeconds * 1000;
  try {
    if (exec !== undefined) return await succeeds(run(exec.command), timeoutMs);
    const signal = AbortSignal.timeout(timeoutMs);
    if (httpGet !== undefined) {
      const { path = '/', port, host: other = host } = httpGet;
      const { status } = await fetch(`http://${other}:${portOf(port)}${path}`, {
        signal,
        redirect: 'manual',
      });
      return status >= 200 && status < 400;
    }
    const socket = connect({ host, port: portOf(tcpSocket.port), signal });
    await once(socket, 'connect');
    socket.destroy();
    return true;
  } catch {
    return false;
  }
}

async function succeeds(child, timeoutMs) {
  const late = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [code] = await once(child, 'exit');
  clearTimeout(late);
  return code === 0;
}
