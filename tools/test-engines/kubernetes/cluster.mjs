import { delimiter, dirname, join } from 'node:path';
import { cacheFolder } from '../../setup/cache.mjs';
import { startControlPlane } from './control-plane.mjs';
import { jobsOf, until } from './jobs.mjs';
import { createLauncher } from './launcher.mjs';
import { startNode } from './node.mjs';
import { workerImage } from './worker-job.mjs';

const nodeNames = ['node-a', 'node-b'];
const namespace = 'berth';
/** As `berth launch kubernetes` calls it when it is told nothing else. */
const secret = 'berth';

/**
 * A Kubernetes cluster of two nodes, for as long as `use` takes; with a namespace that has what workers need to join.
 * @template T
 * @param {{ root: string, folder: string, binaries: string, variables: Readonly<Record<string, string>>, berthFolder: string,
 *   say: (line: string) => void }} options
 * `variables`: where Redis and the bucket are, and the workers' secret, by the names of berth's variables; `berthFolder`: of the
 * coordinator's cluster on this machine
 * @param {(cluster: object) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withKubernetes({ root, folder, binaries, variables, berthFolder, say }, use) {
  const open = [];
  try {
    const plane = await startControlPlane({
      folder: join(folder, 'control-plane'),
      binaries,
      nodes: nodeNames,
      say,
    });
    open.unshift(plane);
    const nodes = [];
    for (const [index, name] of nodeNames.entries()) {
      const node = await startNode({
        name,
        index: index + 1,
        api: plane.apiAs(name),
        folder: join(folder, name),
        images: (image) => (image === workerImage ? imageOf(root) : undefined),
        say,
      });
      open.unshift(node);
      nodes.push(node);
    }
    const { admin: api } = plane;
    await makeNamespace(api, namespace, variables);
    const jobs = jobsOf({ api, namespace, nodes });
    const launcher = await createLauncher({
      root,
      folder: join(folder, 'runs'),
      kubeconfig: plane.settings('admin'),
      berthFolder,
    });
    const found = await use({ root, plane, api, namespace, secret, nodes, jobs, launcher });
    const troubles = nodes.flatMap((node) => node.troubles());
    if (troubles.length > 0) throw new Error(`the nodes had trouble:\n${troubles.join('\n')}`);
    return found;
  } finally {
    for (const one of open) await one.stop();
  }
}

/** The strictest of the Pod Security Standards: what pods may do is the API server's to say. */
const restricted = {
  'pod-security.kubernetes.io/enforce': 'restricted',
  'pod-security.kubernetes.io/warn': 'restricted',
};

/** With the Secret that Jobs of workers refer to. */
export async function makeNamespace(api, name, variables) {
  await api.create('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: restricted },
  });
  await api.create(`/api/v1/namespaces/${name}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secret },
    stringData: variables,
  });
  await until(`namespace ${name}`, async () => {
    const account = await api.raw('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`);
    return account.ok;
  });
}

/** What berth's image has, from this folder: the variables of infra/docker/Dockerfile, and the TensorFlow of the setup. */
function imageOf(root) {
  return {
    command: ['berth', 'worker'],
    workingDir: root,
    env: {
      NODE_ENV: 'production',
      XDG_CACHE_HOME: dirname(cacheFolder()),
      PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
    },
  };
}
