import { cpus, release, totalmem, type } from 'node:os';
import {
  BerthError,
  coordinatorVariables,
  readVariables,
  redisUrlFromEnvironment,
  s3FromEnvironment,
} from '@berth/contracts';
import type { Context } from '../context.ts';
import { checkDevice } from '../doctor/check-device.ts';
import {
  checkCompose,
  checkDisk,
  checkFolders,
  checkNode,
  checkPort,
} from '../doctor/check-machine.ts';
import { checkBucket, checkQueue } from '../doctor/check-services.ts';
import { fail, formatFindings, type Finding } from '../doctor/finding.ts';

export interface DoctorOptions {
  readonly report: boolean;
  readonly json: boolean;
}

/**
 * `berth doctor`: whether a run would work here, and what to do where it would not. The same environment as a worker's
 * or a coordinator's gives the same answers as they.
 * @throws BerthError `RUNTIME_UNAVAILABLE` when something fails
 */
export async function doctor(context: Context, options: DoctorOptions): Promise<void> {
  const findings = await examine(context);
  if (options.json) context.print(JSON.stringify({ machine: machine(), findings }, null, 2));
  else if (options.report) context.print(formatReport(findings));
  else context.print(formatFindings(findings));
  const failed = findings.filter(({ verdict }) => verdict === 'fail').map(({ name }) => name);
  if (failed.length === 0) return;
  throw new BerthError('RUNTIME_UNAVAILABLE', `${failed.join(', ')} must be put right`);
}

async function examine({ env, folder }: Context): Promise<Finding[]> {
  const [device, queue, bucket, http, disk, folders, compose] = await Promise.all([
    checkDevice(env),
    checkIfNamed('redis', redisUrlFromEnvironment, (url) => checkQueue(url, env), env),
    checkIfNamed('bucket', s3FromEnvironment, checkBucket, env),
    checkIfNamed('port', httpPlace, async ({ host, port }) => [await checkPort(host, port)], env),
    checkDisk(folder),
    checkFolders(),
    checkCompose(),
  ]);
  const node = checkNode(process.versions.node);
  return [node, ...device, ...queue, ...bucket, ...http, disk, ...folders, compose];
}

function httpPlace(env: Context['env']): { host: string; port: number } {
  const { BERTH_HTTP_HOST: host, BERTH_HTTP_PORT: port } = readVariables(coordinatorVariables, env);
  return { host, port };
}

/** Settings that contradict each other are a finding of their own: what they name cannot be tried. */
async function checkIfNamed<T>(
  name: string,
  read: (env: Context['env']) => T,
  check: (named: T) => Promise<Finding[]>,
  env: Context['env'],
): Promise<Finding[]> {
  let named: T;
  try {
    named = read(env);
  } catch (error) {
    return [fail(name, error)];
  }
  return check(named);
}

function machine(): Readonly<Record<string, string>> {
  const processors = cpus();
  return {
    system: `${type()} ${release()}`,
    cpu: `${processors.length} x ${processors[0]?.model ?? 'unknown'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
  };
}

/** To be pasted into an issue; holds addresses and no secrets. */
function formatReport(findings: readonly Finding[]): string {
  const about = Object.entries(machine()).map(([name, value]) => `${name}: ${value}`);
  return ['```', ...about, '', formatFindings(findings), '```'].join('\n');
}
