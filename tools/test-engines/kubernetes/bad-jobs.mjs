import { parseRunConfig } from '@berth/contracts';
import { makeNamespace } from './cluster.mjs';
import { describeStatus, endOf, jobsOf, until } from './jobs.mjs';
import { absentClass, applyEverything } from './manifests.mjs';
import { runFile } from './run-file.mjs';
import { workerJob } from './worker-job.mjs';

const fullNamespace = 'full';

/**
 * Jobs that cannot work, each for a reason of its own; and what `berth launch kubernetes --status` says of it.
 * @typedef {{ what: string, status: string, seen: string, problems: readonly string[] }} BadRow
 */

/**
 * Makes them, so that they take their time while others train.
 * @returns {Promise<{ everything: { numTaken: number, numMade: number }, judge: () => Promise<readonly BadRow[]> }>} `everything`:
 * what berth makes, as the API server took it
 */
export async function badJobs(cluster) {
  const { root, api, nodes, jobs, namespace, secret, outside, launcher, plane } = cluster;
  await makeNamespace(api, fullNamespace, outside.variables);
  // Nothing of what is made there starts.
  await api.create(`/api/v1/namespaces/${fullNamespace}/resourcequotas`, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'no-pods' },
    spec: { hard: { pods: '0' } },
  });
  const everything = await applyEverything({
    root,
    folder: launcher.folder,
    kubeconfig: plane.settings('admin'),
    namespace: fullNamespace,
    secret,
  });
  const placeOf = ({ isQuotaFull }) =>
    isQuotaFull
      ? { namespace: fullNamespace, jobs: jobsOf({ api, namespace: fullNamespace, nodes }) }
      : { namespace, jobs };
  for (const one of cases.filter(({ isMade }) => !isMade)) {
    const config = parseRunConfig(fileOf(root, one), 'test:engines');
    const job = workerJob(config, { numWorkers: 1, secret, ...one.options });
    one.change?.(job.spec, job.spec.template.spec.containers[0]);
    await placeOf(one).jobs.create(job);
  }

  const judgeOne = async (one) => {
    const { name, what, isSo, says } = one;
    const place = placeOf(one);
    const statusNow = async () => (await place.jobs.get(name)).status;
    const isAsWanted = await until(name, async () => isSo(await statusNow()), 120_000).catch(
      () => false,
    );
    const status = describeStatus(await statusNow());
    const lines = await launcher.status(fileOf(root, one), place.namespace);
    const said = lines.find((line) => says.test(line));
    const seen = said ?? lines.join(' / ');
    const problems = [
      ...(isAsWanted ? [] : [`${what}: the Job is ${status}`]),
      ...(said ? [] : [`${what}: --status says ${seen}`]),
    ];
    return { what, status, seen, problems };
  };

  /** Nobody lets a guest make Jobs. */
  const judgeGuest = async () => {
    const config = { ...runFile(root), name: 'not-allowed' };
    const guest = plane.settings('guest');
    const seen = await launcher.apply(config, 1, namespace, guest).then(
      () => 'it was allowed',
      (error) => error.message.trim().split('\n').at(-1),
    );
    const isSaid = /guest may not/.test(seen);
    const what = 'no permission in the namespace';
    return { what, status: '-', seen, problems: isSaid ? [] : [`${what}: ${seen}`] };
  };

  return {
    everything,
    async judge() {
      const rows = [];
      for (const one of cases) rows.push(await judgeOne(one));
      return [...rows, await judgeGuest()];
    },
  };
}

const fileOf = (root, { name }) => ({ ...runFile(root), name });

const setVariable = (container, name, value) => {
  container.env = [...container.env.filter((one) => one.name !== name), { name, value }];
};

const failedBy = (reason) => (status) => endOf(status)?.reason === reason;
const isWaiting = ({ active, ready, failed }) => active === 1 && !ready && !failed;

/**
 * @type {readonly { name: string, what: string, options?: object, isQuotaFull?: boolean, isMade?: boolean,
 *   change?: (spec: object, container: object) => void, isSo: (status: object) => boolean, says: RegExp }[]}
 */
const cases = [
  {
    name: 'crash-loop',
    what: 'a worker crashes at each start',
    options: { backoffLimit: 1 },
    // Node aborts for want of memory: an end that no rule of the Job names.
    change: (_spec, container) => setVariable(container, 'NODE_OPTIONS', '--max-old-space-size=8'),
    isSo: failedBy('BackoffLimitExceeded'),
    says: /ended with 134: .*heap/,
  },
  {
    name: 'wrong-setting',
    what: 'a variable is wrong',
    change: (_spec, container) => setVariable(container, 'BERTH_DEVICE', 'abacus'),
    isSo: failedBy('PodFailurePolicy'),
    says: /ended with 1: BERTH_DEVICE is "abacus"/,
  },
  {
    name: 'no-image',
    what: 'the image is absent',
    options: { image: 'berth/worker:absent' },
    isSo: isWaiting,
    says: /image berth\/worker:absent cannot be pulled/,
  },
  {
    name: 'no-secret',
    what: 'the Secret is absent',
    options: { secret: 'absent' },
    isSo: isWaiting,
    says: /cannot start: secrets "absent" not found/,
  },
  {
    name: 'no-room',
    what: 'no node has room',
    options: { cpu: '1000' },
    isSo: isWaiting,
    says: /waits for a node: .*Insufficient cpu/,
  },
  {
    name: 'no-quota',
    what: 'the quota is used up',
    isQuotaFull: true,
    isSo: ({ active }) => !active,
    says: /exceeded quota/,
  },
  {
    name: 'everything',
    what: 'the storage class is absent',
    isQuotaFull: true,
    isMade: true,
    isSo: ({ active }) => !active,
    says: new RegExp(`storage class ${absentClass}.*is not there yet: .*not found`),
  },
];
