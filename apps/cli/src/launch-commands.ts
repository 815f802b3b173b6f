import type { Command } from 'commander';
import type { LaunchKubernetesOptions } from './commands/launch-kubernetes.ts';
import type { LaunchSlurmOptions } from './commands/launch-slurm.ts';
import type { Context } from './context.ts';
import { collect, count, workers } from './option-values.ts';
import { whole } from './whole.ts';

/** `berth launch ENGINE`: a run whose workers others start: Kubernetes, Slurm. */
export function addLaunchCommands(program: Command, context: Context): void {
  const launch = program
    .command('launch')
    .description('let another engine start the workers of a run: kubernetes, slurm');

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

  launch
    .command('kubernetes')
    .description('print the manifests of a run, whose workers are the pods of one Job')
    .argument('<file>', 'run file (YAML or JSON)')
    .option('--set <key=value>', 'override a setting, such as train.numSteps=200', collect, [])
    .option('--workers <n>', 'pods of the Job; as the run file says', workers)
    .option(
      '--apply',
      'have the cluster take them; of a Job that is there: change its workers',
      false,
    )
    .option('--status', 'say how the Job stands, and what keeps its pods from starting', false)
    .option('--namespace <name>', 'that of the context of kubectl when left out')
    .option('--context <name>', 'as kubectl has it')
    .option('--cluster <name>', 'what the names of its coordinators begin with', 'berth')
    .option('--secret <name>', 'the Secret with services and secrets; called as the cluster')
    .option('--image <image>', 'of workers; berth/worker or berth/worker-gpu of this release')
    .option('--coordinator-image <image>', 'submits the run; berth/coordinator of this release')
    .option('--gpus <n>', 'GPUs of a worker, 0 or 1: for more take more workers', whole(0, 1), 0)
    .option('--cpu <amount>', 'cores of a worker, as Kubernetes has it; as many as its threads')
    .option('--memory <amount>', 'of a worker, as Kubernetes has it; by the size of the model')
    .option('--kernels <level>', 'only nodes that have them, and workers that keep to them')
    .option('--link <mbit/s>', 'of a node, to show what the network allows', count)
    .option('--node-selector <name=value>', 'only nodes with this label', collect, [])
    .option('--tolerate <key>', 'nodes with this taint too', collect, [])
    .option('--claim <name=/path>', 'mount a volume claim with text, to be read', collect, [])
    .option('--grace <seconds>', 'for a pod to end; by how long a save takes', whole(10, 86_400))
    .option('--backoff-limit <n>', 'crashes in all, after which the Job fails', count, 100)
    .option('--queue <name>', "Kueue's queue to wait in")
    .option('--no-submit', 'only workers: the run is submitted from elsewhere')
    .action(async (file: string, options: LaunchKubernetesOptions) =>
      (await import('./commands/launch-kubernetes.ts')).launchKubernetes(context, file, options),
    );
}
