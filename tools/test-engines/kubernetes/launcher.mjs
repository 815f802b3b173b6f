import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '../../test-compose/command.mjs';

/**
 * `berth launch kubernetes`, as its users have it: by kubectl and its configuration.
 * @param {{ root: string, folder: string, kubeconfig: string, berthFolder: string }} options
 * `berthFolder`: of the cluster that runs are submitted to
 */
export async function createLauncher({ root, folder, kubeconfig, berthFolder }) {
  await mkdir(folder, { recursive: true });
  const launch = async (config, args, settings = kubeconfig) => {
    const file = join(folder, `${config.name}.json`);
    await writeFile(file, JSON.stringify(config));
    const berth = [join(root, 'apps/cli/bin/berth.js'), 'launch', 'kubernetes', file];
    const env = { ...process.env, KUBECONFIG: settings, BERTH_FOLDER: berthFolder };
    return must(process.execPath, [...berth, ...args], { env, cwd: root });
  };
  return {
    /** Where it keeps run files. */
    folder,
    /** Makes the Job of a run's workers, or changes how many there are. @param {string} [settings] - whose configuration of kubectl */
    apply: (config, numWorkers, namespace, settings) =>
      launch(
        config,
        ['--apply', '--no-submit', '--workers', String(numWorkers), '--namespace', namespace],
        settings,
      ),
    /** What it says of the Job, line by line. @returns {Promise<readonly string[]>} */
    status: async (config, namespace) =>
      (await launch(config, ['--status', '--namespace', namespace])).trim().split('\n'),
  };
}
