import { BerthError } from '@berth/contracts';

type Explain = (found: readonly string[]) => BerthError;

/** What kubectl prints, and what to say of it. The first that fits counts. */
const refusals: readonly (readonly [RegExp, Explain])[] = [
  [
    /is forbidden: User "([^"]*)" cannot (\w+) resource "([^"]*)".*?(?: in the namespace "([^"]*)"|$)/m,
    ([, user, verb, resource, namespace]) =>
      new BerthError(
        'REQUEST_REFUSED',
        namespace === undefined
          ? `${user} may not ${verb} ${resource} in this cluster; ask who runs it for a role that may`
          : `${user} may not ${verb} ${resource} in namespace ${namespace}; ask for a role there, such as edit, or name a namespace of yours by --namespace`,
      ),
  ],
  [
    /is forbidden: (.+)$/m,
    ([, why]) => new BerthError('REQUEST_REFUSED', `The cluster refuses it: ${why}`),
  ],
  [
    /namespaces "([^"]*)" not found/,
    ([, namespace]) =>
      new BerthError(
        'CONFIG_INVALID',
        `There is no namespace ${namespace}; make it by \`kubectl create namespace ${namespace}\``,
      ),
  ],
  [
    /The Job "([^"]*)" is invalid: .*field is immutable/s,
    ([, job]) =>
      new BerthError(
        'RUN_STATE_CONFLICT',
        `Job ${job} is there with other settings, and of a Job only the number of workers can change; \`kubectl delete job ${job}\` (its workers leave after the step under way), then this again`,
      ),
  ],
  [
    /(The \w+ "[^"]*" is invalid: .+)$/m,
    ([, what]) => new BerthError('CONFIG_INVALID', `The cluster refuses it: ${what}`),
  ],
  [
    /no matches for kind "([^"]*)" in version "([^"]*)"/,
    ([, kind, version]) =>
      new BerthError(
        'CONFIG_INVALID',
        `The cluster knows no ${kind} of ${version}: what defines it is not installed there`,
      ),
  ],
  [
    /You must be logged in|\(Unauthorized\)|provide credentials/,
    () =>
      new BerthError(
        'REQUEST_UNAUTHORIZED',
        'The cluster does not know who asks; log in as kubectl needs it, `kubectl auth whoami` tells',
      ),
  ],
  [
    /was refused|Unable to connect|no such host|i\/o timeout|TLS handshake|dial tcp|deadline exceeded/i,
    () =>
      new BerthError(
        'COORDINATOR_UNREACHABLE',
        'The API server of the cluster does not answer; `kubectl cluster-info` says which one kubectl asks, and KUBECONFIG or --context names another',
      ),
  ],
  [
    /context "?([^"\s]*)"? does not exist|no context exists with the name: "([^"]*)"/,
    ([, one, other]) =>
      new BerthError(
        'CONFIG_INVALID',
        `kubectl has no context ${one ?? other}; \`kubectl config get-contexts\` lists them`,
      ),
  ],
];

/** What kubectl's failure means, in one line. @param printed - on its standard error */
export function explainRefusal(printed: string): BerthError {
  for (const [pattern, explain] of refusals) {
    const found = pattern.exec(printed);
    if (found !== null) return explain(found);
  }
  const [line = 'it says nothing'] = printed.split('\n').filter((one) => one.trim() !== '');
  return new BerthError('INTERNAL', `kubectl failed: ${line}`);
}
