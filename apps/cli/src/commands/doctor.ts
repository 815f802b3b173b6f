import { cpus, release, totalmem, type } from 'node:os';
import { BerthError, servicesFromEnvironment, toBerthError, type Services } from '@berth/contracts';
import type { Context } from '../context.ts';
import { checkDevice } from '../doctor/check-device.ts';
import { checkCompose, checkDisk, checkNode, checkPort } from '../doctor/check-machine.ts';
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
  const services = namedServices(env);
  const port = Number(env['BERTH_HTTP_PORT'] ?? 7700);
  const named = services.finding === undefined ? [] : [services.finding];
  const [device, queue, bucket, portFinding, disk, compose] = await Promise.all([
    checkDevice(env),
    checkQueue(services.redisUrl, env),
    checkBucket(services.s3),
    checkPort(env['BERTH_HTTP_HOST'] ?? '127.0.0.1', port),
    checkDisk(folder),
    checkCompose(),
  ]);
  const node = checkNode(process.versions.node);
  return [node, ...device, ...named, ...queue, ...bucket, portFinding, disk, compose];
}

function namedServices(env: Context['env']): Partial<Services> & { readonly finding?: Finding } {
  try {
    return servicesFromEnvironment(env);
  } catch (error) {
    return { finding: fail('services', toBerthError(error)) };
  }
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
