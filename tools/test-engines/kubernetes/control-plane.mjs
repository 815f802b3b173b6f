import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectApi } from './api.mjs';
import { startProcess } from './process.mjs';

/** Everyone who asks the API server: name, user, groups. What each may do is RBAC's and the node authoriser's to say. */
const users = [
  { name: 'admin', user: 'admin', groups: ['system:masters'] },
  { name: 'controllers', user: 'system:kube-controller-manager', groups: [] },
  { name: 'scheduler', user: 'system:kube-scheduler', groups: [] },
  { name: 'guest', user: 'guest', groups: [] },
];

/** @param {string} name */
const nodeUser = (name) => ({ name, user: `system:node:${name}`, groups: ['system:nodes'] });

/**
 * Starts etcd, an API server, the controllers and the scheduler on loopback: the published programs, with RBAC, in a folder of their own.
 * @param {{ folder: string, binaries: string, nodes: readonly string[], say: (line: string) => void }} options
 * `nodes`: names of nodes that will join
 */
export async function startControlPlane({ folder, binaries, nodes, say }) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [etcdPort, peerPort, apiPort, controllersPort, schedulerPort] = await freePorts(5);
  const url = `https://127.0.0.1:${apiPort}`;
  const everyone = [...users, ...nodes.map(nodeUser)].map((one) => ({
    ...one,
    token: randomBytes(24).toString('hex'),
  }));
  await writeTokens(join(folder, 'tokens.csv'), everyone);
  await writeKeys(folder);
  const started = [];
  const start = (program, args) => {
    const flags = Object.entries(args).map(([name, value]) => `--${name}=${value}`);
    const log = join(folder, `${program}.log`);
    const one = startProcess(join(binaries, program), flags, { log });
    started.unshift(one);
    return one;
  };
  const stop = async () => {
    for (const one of started) await one.stop(10_000);
  };
  const settings = (name) => join(folder, `${name}.kubeconfig`);
  try {
    start('etcd', etcdFlags(folder, etcdPort, peerPort));
    await untilHealthy(() => fetch(`http://127.0.0.1:${etcdPort}/health`), 'etcd', started);
    start('kube-apiserver', apiFlags(folder, apiPort, etcdPort));
    const certificate = join(folder, 'certificates', 'apiserver.crt');
    const ca = await untilThere(certificate, started);
    const tokenOf = (name) => everyone.find((one) => one.name === name).token;
    const apiAs = (name) => connectApi({ url, ca, token: tokenOf(name) });
    const admin = apiAs('admin');
    await untilHealthy(() => admin.raw('GET', '/readyz'), 'the API server', started);
    for (const { name, token } of everyone)
      await writeFile(settings(name), kubeconfig({ url, ca, token }), { mode: 0o600 });
    const common = { 'leader-elect': false, 'bind-address': '127.0.0.1', profiling: false };
    start('kube-controller-manager', {
      ...common,
      kubeconfig: settings('controllers'),
      'secure-port': controllersPort,
      'use-service-account-credentials': true,
      'service-account-private-key-file': join(folder, 'accounts.key'),
      'root-ca-file': certificate,
      'node-monitor-grace-period': '40s',
    });
    start('kube-scheduler', {
      ...common,
      kubeconfig: settings('scheduler'),
      'secure-port': schedulerPort,
    });
    const { gitVersion } = await admin.get('/version');
    say(`Kubernetes ${gitVersion} answers at ${url}`);
    return { url, version: gitVersion, settings, admin, apiAs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function etcdFlags(folder, port, peerPort) {
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return {
    'data-dir': join(folder, 'etcd'),
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `default=${peer}`,
    // The cluster lives for one test.
    'unsafe-no-fsync': true,
    'log-level': 'warn',
  };
}

function apiFlags(folder, port, etcdPort) {
  return {
    'etcd-servers': `http://127.0.0.1:${etcdPort}`,
    'bind-address': '127.0.0.1',
    'advertise-address': '127.0.0.1',
    'endpoint-reconciler-type': 'none',
    'secure-port': port,
    'cert-dir': join(folder, 'certificates'),
    'token-auth-file': join(folder, 'tokens.csv'),
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': join(folder, 'accounts.pub'),
    'service-account-signing-key-file': join(folder, 'accounts.key'),
    'service-cluster-ip-range': '10.96.0.0/16',
    profiling: false,
  };
}

async function writeTokens(file, everyone) {
  const lines = everyone.map(
    ({ token, name, user, groups }) => `${token},${user},${name},"${groups.join(',')}"\n`,
  );
  await writeFile(file, lines.join(''), { mode: 0o600 });
}

/** With which service accounts' tokens are signed. */
async function writeKeys(folder) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await writeFile(join(folder, 'accounts.pub'), publicKey, { mode: 0o600 });
  await writeFile(join(folder, 'accounts.key'), privateKey, { mode: 0o600 });
}

/** JSON is YAML. */
function kubeconfig({ url, ca, token }) {
  const cluster = { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}

async function untilHealthy(ask, what, started) {
  await until(async () => (await ask()).ok, what, started);
}

async function untilThere(file, started) {
  let text;
  const isThere = async () => (text = await readFile(file, 'utf8')).includes('END CERTIFICATE');
  await until(isThere, 'the certificate of the API server', started);
  return text;
}

async function until(isSo, what, started) {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const ended = started.find((one) => one.end !== undefined);
    if (ended !== undefined) throw new Error(`${what}: ${await ended.lastWords()}`);
    if (await isSo().catch(() => false)) return;
    if (performance.now() > deadline) throw new Error(`${what} is not ready after 120 s`);
    await sleep(200);
  }
}

/** @param {number} count */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
