// What a user of this machine might try on the cluster of another one. Reads the facts as JSON from its last argument, prints what
// each attempt came to as JSON. Run from standard input: the user need not be able to read the checkout.
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { folder, url, store, pids, ports, secretFile } = JSON.parse(process.argv.at(-1));
const { host, port } = { host: '127.0.0.1', port: Number(new URL(url).port) };
const timeoutMs = 3_000;

/** Talks to a socket. @returns what it answered in time */
async function talk(where, text) {
  const socket = connect(where);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
  await once(socket, 'connect');
  socket.write(text);
  await Promise.race([once(socket, 'close'), new Promise((done) => setTimeout(done, 300))]);
  socket.destroy();
  return answer;
}

async function ask(base, path, options = {}) {
  const answer = await fetch(base + path, { signal: AbortSignal.timeout(timeoutMs), ...options });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return (await answer.text()).slice(0, 200);
}

/** Says the same to every port that the cluster listens on. @throws unless one answers as wanted */
async function sweep(text, wanted) {
  for (const foreign of ports) {
    const answer = await talk({ host, port: foreign }, text).catch(() => '');
    if (wanted.test(answer)) return `port ${foreign}: ${answer.slice(0, 80)}`;
  }
  throw new Error('nobody answers that');
}

const read = (name) => () => readFileSync(join(folder, name), 'utf8').slice(0, 80);
const environOf = (name) => () => {
  const text = readFileSync(`/proc/${pids[name]}/environ`, 'utf8');
  if (!/BERTH_|AWS_/.test(text)) throw new Error('nothing of berth');
};
const json = { 'content-type': 'application/json' };
const get =
  (path, headers = {}) =>
  () =>
    ask(url, path, { headers });
const post = (path, body) => () =>
  ask(url, path, { method: 'POST', headers: json, body: JSON.stringify(body) });

function runOf(path, vocabulary) {
  return { goal: 'prepared', config: { name: 'stolen', corpus: { path }, vocabulary } };
}

const link = join(tmpdir(), `berth-link-${process.pid}.txt`);
const resp = (...parts) =>
  `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`;
const redisSocket = { path: join(folder, 'redis', 'redis.sock') };
const command =
  (...parts) =>
  async () => {
    const answer = await talk(redisSocket, resp(...parts));
    if (!/^[+:*$]/.test(answer)) throw new Error(answer);
  };

const attempts = {
  'list the folder': () => readdirSync(folder).join(),
  'read the token': read('api-token'),
  "read the workers' secret": read('peer-secret'),
  'read the keys of the store': read('s3-credentials.json'),
  'read the note of the cluster': read('cluster.json'),
  "read the coordinator's log": read('logs/coordinator.log'),
  "read a worker's log": read('logs/worker-1.log'),
  "read Redis' log": read('redis/redis.log'),
  "list Redis' data": () => readdirSync(join(folder, 'redis', 'appendonlydir')).join(),
  'list the objects': () => readdirSync(join(folder, 's3', 'berth')).join(),
  'put a file into the folder': () => writeFileSync(join(folder, 'planted'), 'x'),
  'replace the note of the cluster': () =>
    renameSync(join(folder, 'cluster.json'), join(folder, 'x')),
  "add to the coordinator's log": () =>
    appendFileSync(join(folder, 'logs', 'coordinator.log'), 'x\n'),
  'read the environment of a worker': environOf('worker'),
  'read the environment of the coordinator': environOf('coordinator'),
  'find a secret among the arguments': () => {
    const all = Object.values(pids).map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    if (!/[0-9a-f]{32}/.test(all.join())) throw new Error('no secret');
  },
  'kill a worker': () => process.kill(pids.worker, 'SIGKILL'),
  'ask Redis by its socket': command('PING'),
  'empty Redis by its socket': command('FLUSHALL'),
  'ask Redis by any port': () => sweep('PING\r\n', /PONG|NOAUTH|DENIED/),
  'ask any port for metrics': () =>
    sweep('GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n', /^HTTP.1.1 200[^]*berth_/),
  'list the buckets': () => ask(store, '/'),
  'put an object': () => ask(store, '/berth/planted', { method: 'PUT', body: 'x' }),
  'list the runs': get('/api/runs'),
  'list the runs with a wrong token': get('/api/runs', {
    authorization: `Bearer ${'0'.repeat(64)}`,
  }),
  'list the runs with a token in the address': get('/api/runs?token=x'),
  'read the logs of all processes': get('/api/logs'),
  'follow the events': get('/api/events'),
  'read the metrics': get('/metrics'),
  'start a run on a file of the other user': post('/api/runs', runOf(secretFile)),
  'start a run on a link to it': () => {
    symlinkSync(secretFile, link);
    return post('/api/runs', runOf(link))();
  },
  'start a run with it as vocabulary': post(
    '/api/runs',
    runOf('/usr/share/common-licenses/GPL-3', { path: secretFile }),
  ),
  'end a run': post('/api/runs/mine/controls/kill', {}),
  'try a job again': post('/api/queues/berth-jobs/jobs/1/retry', {}),
  "take the coordinator's port": async () => {
    const server = createServer().listen(port, host);
    await once(server, 'listening');
    server.close();
  },
};

const outcomes = [];
for (const [what, attempt] of Object.entries(attempts))
  try {
    await attempt();
    outcomes.push({ what, succeeded: true });
  } catch (error) {
    outcomes.push({ what, succeeded: false, why: String(error.cause ?? error).slice(0, 100) });
  }
process.stdout.write(JSON.stringify(outcomes));
process.exit(0);
