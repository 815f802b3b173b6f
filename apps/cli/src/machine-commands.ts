import { modelSizeNames, type ModelSize } from '@berth/contracts';
import type { Command } from 'commander';
import type { ChaosCommandOptions } from './commands/chaos.ts';
import type { DoctorOptions } from './commands/doctor.ts';
import type { InitOptions } from './commands/init.ts';
import type { Context } from './context.ts';
import { collect, count } from './option-values.ts';
import { whole } from './whole.ts';

/** The commands that look at the machine and at berth itself: params to bench. */
export function addMachineCommands(program: Command, context: Context): void {
  program
    .command('params')
    .description('count the parameters of a model')
    .option('--model <size>', modelSizeNames.join(', '), 'base')
    .option('--vocab-size <n>', 'entries of the vocabulary', whole(1, 2 ** 31), 30_522)
    .option('--json', 'print as JSON', false)
    .action(async (options: { model: string; vocabSize: number; json: boolean }) => {
      if (!(modelSizeNames as readonly string[]).includes(options.model))
        program.error(`error: --model must be one of ${modelSizeNames.join(', ')}`, {
          exitCode: 2,
        });
      const { params } = await import('./commands/params.ts');
      params(context, options.model as ModelSize, options);
    });

  program
    .command('init')
    .description('make the secrets of the compose cluster')
    .option('--folder <folder>', 'where to write .env; infra/compose when left out')
    .option('--force', 'replace those that are there', false)
    .action(async (options: InitOptions) =>
      (await import('./commands/init.ts')).init(context, options),
    );

  program
    .command('doctor')
    .description('whether a run would work here, and what to do where not')
    .option('--report', 'print what to paste into an issue', false)
    .option('--json', 'print as JSON', false)
    .action(async (options: DoctorOptions) =>
      (await import('./commands/doctor.ts')).doctor(context, options),
    );

  program
    .command('chaos')
    .description('train a run undisturbed and through faults, and compare the weights')
    .option('--config <file>', 'run file; a very small model when left out')
    .option('--set <key=value>', 'override a setting, such as train.numSteps=60', collect, [])
    .option('--seed <list>', 'decide when which fault comes; one disturbed run for each', '1')
    .option('--fault <kind=count>', 'only these faults, such as worker-kill=20', collect, [])
    .option(
      '--sizes <list>',
      'also train undisturbed with these numbers of workers, such as 2,3',
      '',
    )
    .option('--outage-seconds <n>', 'length of a store outage', count, 10)
    .option('--stall-seconds <n>', 'how long one request to the store hangs', count, 30)
    .option('--redis-outage-seconds <n>', 'length of a Redis outage', count, 1)
    .option('--pause-seconds <n>', 'how long what pauses pauses', count, 3)
    .option('--timeout-minutes <n>', 'longest a run may take', count, 30)
    .option('--json', 'print the report as JSON', false)
    .action(async (options: ChaosCommandOptions) =>
      (await import('./commands/chaos.ts')).chaos(context, options),
    );

  program
    .command('bench')
    .description(
      'measure: step, step-against-pytorch, recovery, soak; --help after the name shows its options',
    )
    .argument('[name]')
    .argument('[options...]', 'passed on to the benchmark')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(
      async (name: string | undefined, options: string[], _flags: unknown, command: Command) => {
        const { bench, benchClusters, benchmarks, clusterBenchmarks } =
          await import('./commands/bench.ts');
        const names = [...Object.keys(benchmarks), ...Object.keys(clusterBenchmarks)];
        if (name === undefined || name === '--help' || name === '-h') {
          context.print(`${command.helpInformation()}\nBenchmarks: ${names.join(', ')}`);
          return;
        }
        if (name in clusterBenchmarks)
          return benchClusters(name as keyof typeof clusterBenchmarks, context, options);
        if (name in benchmarks) return bench(name as keyof typeof benchmarks, options);
        program.error(`error: benchmarks are ${names.join(', ')}`, { exitCode: 2 });
      },
    );

  program
    .command('logs', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action(() => {
      const where = `${context.folder}/logs, and on the page under Logs, also those of other machines`;
      program.error(`error: there is no command for logs; they are in ${where}`, { exitCode: 2 });
    });
}
