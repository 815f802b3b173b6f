import { Option, type Command } from 'commander';
import { BerthError, parseRedisUrl, workerEndLines } from '@berth/contracts';

interface AppCommand {
  readonly name: 'worker' | 'coordinator';
  readonly description: string;
  /** Flags, the variable that each stands for, and what it says. */
  readonly options: readonly (readonly [flags: string, variable: string, description: string])[];
  readonly help: string;
  /** Runs until the app ends the process. */
  readonly run: () => Promise<unknown>;
}

const services: AppCommand['options'] = [
  ['--redis <url>', 'REDIS_URL', 'Redis; with a password only in the environment'],
  ['--s3-endpoint <url>', 'AWS_ENDPOINT_URL_S3', 'the S3 service; AWS when left out'],
  ['--bucket <name>', 'BERTH_S3_BUCKET', 'the bucket'],
];

const appCommands: readonly AppCommand[] = [
  {
    name: 'worker',
    description: 'one worker, which joins the cluster that its Redis and bucket belong to',
    options: [
      ...services,
      ['--run <run>', 'BERTH_WORKER_RUN', 'train this run only, and end with it'],
      ['--wait <ms>', 'BERTH_RUN_WAIT_MS', 'how long it waits for that run to exist or to take it'],
      ['--grace <ms>', 'BERTH_GRACE_MS', 'from when it is told to leave until it is gone'],
      ['--role <role>', 'BERTH_WORKER_ROLE', 'train, or data: make data only, without TensorFlow'],
      ['--host <address>', 'BERTH_PEER_HOST', 'address of this machine that other workers dial'],
      ['--port <n>', 'BERTH_PEER_PORT', 'port for other workers; any free one'],
      ['--advertise <host:port>', 'BERTH_PEER_ADVERTISE', 'where they dial, if that is elsewhere'],
      [
        '--reachable <bool>',
        'BERTH_PEER_REACHABLE',
        'false: they cannot dial it, so it dials them',
      ],
      ['--link <mbit/s>', 'BERTH_LINK_MBIT_PER_S', 'speed of its link; what its interface says'],
      ['--device <kind>', 'BERTH_DEVICE', 'auto, cpu or gpu'],
      ['--threads <n>', 'BERTH_NUM_THREADS', 'TensorFlow threads, part of the numerics'],
      ['--name <text>', 'BERTH_WORKER_NAME', 'start of its member id; the host name'],
      ['--metrics-port <n>', 'BERTH_METRICS_PORT', 'port for Prometheus and health checks'],
    ],
    help: [
      'Secrets come by the environment or by --env: BERTH_SECRET, which all workers of a cluster share, the keys of the',
      'bucket, a password of Redis. The environment counts before the file.',
      '',
      'SIGTERM or Ctrl-C: it leaves after the step under way, within the grace period; the second time at once.',
      'Exit codes of a worker of one run (--run), for whoever starts workers:',
      ...workerEndLines().map((line) => `  ${line}`),
      'So 0: nothing is left to do; 75: start it again; 1: a person must look. The last line of its log says why.',
      'Where a call to the device does not end in time, the process ends as SIGTERM ends one (143): as 75.',
      'Without --run it takes part in whichever run is active, stays when one ends, and ends with 75 when it is told to',
      'leave, else with the code of its error: 2 a variable is missing or wrong; 4 Redis or the bucket cannot be reached;',
      '6 no TensorFlow, or no GPU.',
      'With --role data it needs no BERTH_SECRET and no device: it does jobs of the queue, and never trains.',
    ].join('\n'),
    run: () => import('@berth/worker/main'),
  },
  {
    name: 'coordinator',
    description: 'one coordinator, which leads, or stands by where another does',
    options: [
      ...services,
      ['--host <address>', 'BERTH_HTTP_HOST', 'address that it answers at; loopback'],
      ['--port <n>', 'BERTH_HTTP_PORT', 'its port; 7700'],
      ['--names <list>', 'BERTH_HTTP_NAMES', 'host names by which others reach it, with commas'],
      ['--relay-host <address>', 'BERTH_RELAY_HOST', 'address that its relay listens on; loopback'],
      ['--relay-port <n>', 'BERTH_RELAY_PORT', 'port of its relay; any free one'],
      [
        '--relay-advertise <host:port>',
        'BERTH_RELAY_ADVERTISE',
        'where workers dial its relay, if that is elsewhere',
      ],
    ],
    help: [
      'Secrets come by the environment or by --env: BERTH_API_TOKEN, which requests must carry, the keys of the bucket,',
      'a password of Redis; and BERTH_SECRET of the workers, if it is to join connections of workers that dial out only.',
      'The environment counts before the file.',
      '',
      'SIGTERM or Ctrl-C: it ends with 0; runs go on without it until another one leads.',
    ].join('\n'),
    run: () => import('@berth/coordinator/main'),
  },
];

/** `berth worker` and `berth coordinator`: the apps in this process, told by options what they read from the environment. */
export function addAppCommands(program: Command, env: NodeJS.ProcessEnv): void {
  for (const { name, description, options, help, run } of appCommands) {
    const command = program.command(name).description(description);
    const variables = options.map(([flags, variable, says]) => {
      const option = new Option(flags, says).env(variable);
      command.addOption(option);
      return { variable, name: option.attributeName() };
    });
    command
      .option('--env <file>', 'lines of NAME=value for what the environment leaves out')
      .addHelpText('after', `\n${help}`)
      .action(async (given: Readonly<Record<string, string>>) => {
        if (command.getOptionValueSource('redis') === 'cli') refusePassword(given['redis'] ?? '');
        for (const { variable, name } of variables)
          if (given[name] !== undefined) env[variable] = given[name];
        if (given['env'] !== undefined) loadVariables(given['env']);
        await run();
      });
  }
}

/** Other users of the machine see what is on a command line. */
function refusePassword(url: string): void {
  if (parseRedisUrl(url).password === undefined) return;
  throw new BerthError(
    'USAGE',
    '--redis: a password on the command line is seen by all users of the machine; put the URL into REDIS_URL or --env',
  );
}

/** @throws BerthError `CONFIG_NOT_FOUND` */
function loadVariables(file: string): void {
  try {
    process.loadEnvFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BerthError('CONFIG_NOT_FOUND', `--env: ${reason}`, { cause });
  }
}
