import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '../../test-compose/command.mjs';
import { freePorts } from '../free-ports.mjs';
import { libraryFolder } from './packages.mjs';

const startTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;

/** Nodes of two cores each. What is `hidden` is in a mount namespace of its own, where that folder is an empty one. */
const nodes = ['n1', 'n2', 'n3'];

/**
 * A Slurm of this user on this machine: munged, slurmctld and a slurmd for each node, with partitions `low` (n1, n2), `high`
 * (the same, and pre-empts it) and, for root, `apart` (n3).
 * @param {{ root: string, folder: string, hidden: string }} options - `root`: of the packages; `hidden`: a folder that n3 does not see
 */
export async function startSlurm({ root, folder, hidden }) {
  const libraries = await libraryFolder(root);
  const plugins = join(libraries, 'slurm-wlm');
  const config = join(folder, 'slurm.conf');
  const socket = join(folder, 'munge.socket');
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: `${plugins}:${libraries}`,
    SLURM_CONF: config,
    PATH: `${join(root, 'usr/bin')}:${process.env['PATH']}`,
  };
  const hasApart = process.getuid?.() === 0;
  const used = hasApart ? nodes : nodes.slice(0, 2);
  const ports = await freePorts(1 + used.length);
  for (const name of ['log', 'state', ...used]) await mkdir(join(folder, name), { mode: 0o700 });
  await writeFile(config, configOf({ folder, plugins, socket, ports, used }));
  await writeFile(join(folder, 'munge.key'), randomBytes(128), { mode: 0o400 });

  const children = [];
  const start = (name, program, args) => {
    const log = openSync(join(folder, 'log', `${name}.out`), 'a');
    const child = spawn(program, args, { env, stdio: ['ignore', log, log] });
    children.push(child);
  };
  const stop = async () => {
    await run('scancel', [`--user=${userInfo().username}`]).catch(() => undefined);
    for (const child of children.toReversed()) await end(child);
  };
  /** @param {string} program - of Slurm @param {readonly string[]} args */
  const run = (program, args) => must(program, args, { env });
  const sbin = (name) => join(root, 'usr/sbin', name);
  start('munged', sbin('munged'), [
    '--foreground',
    '--force',
    `--socket=${socket}`,
    `--key-file=${join(folder, 'munge.key')}`,
    `--log-file=${join(folder, 'log/munged.log')}`,
    `--pid-file=${join(folder, 'munged.pid')}`,
    `--seed-file=${join(folder, 'munged.seed')}`,
  ]);
  await until(() => exists(socket), 'munged');
  start('slurmctld', sbin('slurmctld-wlm'), ['-D', '-c']);
  for (const node of used) {
    const daemon = [sbin('slurmd-wlm'), '-D', '-N', node, '-d', sbin('slurmstepd-wlm')];
    if (node === 'n3') {
      const script = `mount -t tmpfs none "$0" && exec "$@"`;
      start(node, 'unshare', ['--mount', 'sh', '-c', script, hidden, ...daemon]);
    } else start(node, daemon[0], daemon.slice(1));
  }
  try {
    await until(
      async () => {
        const states = await run('sinfo', ['--noheader', '--Node', '--format=%N %t']);
        return (
          new Set(
            states
              .trim()
              .split('\n')
              .filter((line) => line.endsWith(' idle')),
          ).size === used.length
        );
      },
      `nodes ${used.join(', ')}`,
    );
  } catch (error) {
    const log = await readFile(join(folder, 'log/slurmctld.out'), 'utf8').catch(() => '');
    await stop();
    throw new Error(`${error.message}: ${log.trim().split('\n').slice(-3).join('; ')}`, {
      cause: error,
    });
  }
  return { env, run, stop, hasApart };
}

async function exists(path) {
  return readFile(path).then(
    () => true,
    // A socket is there, and cannot be read.
    (error) => error.code === 'ENXIO',
  );
}

async function until(isSo, what) {
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline) {
    if (await isSo().catch(() => false)) return;
    await sleep(100);
  }
  throw new Error(`Slurm did not start within ${startTimeoutMs / 1000} s: ${what}`);
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await exit;
  clearTimeout(timer);
}

/** Requeued jobs wait as long as a credential lives, and the scheduler looks every 2 s: short, so that the test is. */
function configOf({ folder, plugins, socket, ports, used }) {
  const { username } = userInfo();
  const [host] = hostname().split('.');
  const [ctldPort, ...nodePorts] = ports;
  const nodeLine = (name, index) =>
    `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${nodePorts[index]} CPUs=2 RealMemory=1000`;
  return `${[
    'ClusterName=berth',
    `SlurmctldHost=${host}(127.0.0.1)`,
    `SlurmctldPort=${ctldPort}`,
    'AuthType=auth/munge',
    'CredType=cred/munge',
    `AuthInfo=socket=${socket},cred_expire=5`,
    `SlurmUser=${username}`,
    `SlurmdUser=${username}`,
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/%n`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/%n.pid`,
    `PluginDir=${plugins}`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_Core',
    'SwitchType=switch/none',
    'JobAcctGatherType=jobacct_gather/none',
    'MpiDefault=none',
    'ReturnToService=2',
    'SlurmdParameters=config_overrides',
    'PreemptType=preempt/partition_prio',
    'PreemptMode=REQUEUE',
    'SchedulerParameters=sched_interval=2,bf_interval=2',
    'MaxArraySize=101',
    ...used.map(nodeLine),
    'PartitionName=low Nodes=n1,n2 Default=YES State=UP PriorityTier=1',
    'PartitionName=high Nodes=n1,n2 State=UP PriorityTier=10',
    ...(used.includes('n3') ? ['PartitionName=apart Nodes=n3 State=UP'] : []),
  ].join('\n')}\n`;
}
