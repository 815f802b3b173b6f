import type { Command } from 'commander';
import type { LaunchSlurmOptions } from './commands/launch-slurm.ts';
import type { Context } from './context.ts';
import { collect, count, workers } from './option-values.ts';

/** `berth launch ENGINE`: a run whose workers others start: Slurm. */
export function addLaunchCommands(program: Command, context: Context): void {
  const launch = program
    .command('launch')
    .description('let another engine start the workers of a run: slurm');

  launch
    .command('slurm')
    .description('print or submit the sbatch scripts of a run, whose workers are a job array')
    .argument('<file>', 'run file (YAML or JSON)')
    .option('--set <key=value>', 'override a setting, such as train.numSteps=200', collect, [])
    .option('--workers <n>', 'tasks of the array; as the run file says', workers)
    .option('--shared <folder>', 'folder that all nodes share, for this user only')
    .option('--partition <name>', 'as sbatch has it')
    .option('--account <name>', 'as sbatch has it')
    .option('--time <limit>', 'longest that a task runs before it is requeued, as sbatch has it')
    .option('--gpus <n>', 'GPUs of a task', count, 0)
    .option('--cpus <n>', 'cores of a task; as many as its threads', workers)
    .option('--memory <size>', 'of a task, as sbatch has it')
    .option('--grace <seconds>', 'how long before its time limit a task leaves', count, 60)
    .option('--directive <option>', 'a further line of #SBATCH, such as --qos=spot', collect, [])
    .option('--head-directive <option>', 'one of the job of the coordinator', collect, [])
    .option('--image <file>', 'run workers in this Apptainer image')
    .option('--submit', 'submit them; again with other --workers: change the array', false)
    .action(async (file: string, options: LaunchSlurmOptions) =>
      (await import('./commands/launch-slurm.ts')).launchSlurm(context, file, options),
    );
}
