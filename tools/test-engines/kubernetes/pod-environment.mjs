import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

/**
 * What a pod's containers get from the API server and their node.
 * @typedef {object} PodFacts
 * @property {object} pod
 * @property {string} podIP
 * @property {string} hostIP
 * @property {(kind: 'secrets' | 'configmaps', name: string) => Promise<object>} read - of the pod's namespace, as the node's user
 */

/**
 * The variables of a container, as Kubernetes defines them: later ones see earlier ones as `$(NAME)`.
 * @param {object} container
 * @param {PodFacts} facts
 * @returns {Promise<Record<string, string>>}
 * @throws Error naming what is not there
 */
export async function environmentOf(container, facts) {
  const env = {};
  for (const { prefix = '', secretRef, configMapRef } of container.envFrom ?? []) {
    const data = await dataOf(
      secretRef ? 'secrets' : 'configmaps',
      secretRef ?? configMapRef,
      facts,
    );
    for (const [name, value] of Object.entries(data)) env[prefix + name] = value;
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const given =
      valueFrom === undefined
        ? expand(value ?? '', env)
        : await valueOf(valueFrom, container, facts);
    if (given !== undefined) env[name] = given;
  }
  return env;
}

/** Pure. `$$(NAME)` is a literal `$(NAME)`; of what is not known the text stays. @param {string} text */
export function expand(text, env) {
  return text.replaceAll(/\$(\$?)\(([\w.-]+)\)/g, (all, escape, name) =>
    escape ? all.slice(1) : (env[name] ?? all),
  );
}

async function valueOf(
  { fieldRef, secretKeyRef, configMapKeyRef, resourceFieldRef },
  container,
  facts,
) {
  if (fieldRef !== undefined) return fieldOf(fieldRef.fieldPath, facts);
  if (resourceFieldRef !== undefined) return resourceOf(resourceFieldRef, container);
  const reference = secretKeyRef ?? configMapKeyRef;
  const kind = secretKeyRef ? 'secrets' : 'configmaps';
  const value = (await dataOf(kind, reference, facts))[reference.key];
  if (value === undefined && reference.optional !== true)
    throw new Error(`couldn't find key ${reference.key} in ${kind} ${reference.name}`);
  return value;
}

async function dataOf(kind, { name, optional }, { read }) {
  const found = await read(kind, name).catch((error) => {
    if (optional === true && error.status === 404) return {};
    throw error;
  });
  const binary = kind === 'secrets' ? (found.data ?? {}) : (found.binaryData ?? {});
  const decoded = Object.entries(binary).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString(),
  ]);
  return { ...(kind === 'configmaps' && found.data), ...Object.fromEntries(decoded) };
}

/** Pure. */
function fieldOf(path, { pod, podIP, hostIP }) {
  const { metadata, spec } = pod;
  const [, what, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (what !== undefined) return metadata[what]?.[key] ?? '';
  const fields = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.podIP': podIP,
    'status.podIPs': podIP,
    'status.hostIP': hostIP,
  };
  if (fields[path] === undefined) throw new Error(`this node does not know the field ${path}`);
  return fields[path];
}

/** Pure. Processors, rounded up; nothing else is asked for here. */
function resourceOf({ resource, divisor = '1' }, { resources = {} }) {
  const [kind, name] = resource.split('.');
  const quantity = resources[kind]?.[name] ?? resources.requests?.[name];
  if (name !== 'cpu' || quantity === undefined || !['1', '0'].includes(divisor))
    throw new Error(`this node does not know the resource ${resource}`);
  const cores = quantity.endsWith('m') ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity);
  return String(Math.ceil(cores));
}

/**
 * Makes a pod's volumes as folders.
 * @param {string} folder - of the pod
 * @param {PodFacts} facts
 * @returns {Promise<Map<string, string>>} the folder of each volume
 */
export async function makeVolumes(folder, facts) {
  const made = new Map();
  for (const volume of facts.pod.spec.volumes ?? []) {
    const path = join(folder, 'volumes', volume.name);
    await mkdir(path, { recursive: true, mode: 0o700 });
    for (const [name, text] of Object.entries(await filesOf(volume, facts))) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { mode: 0o600 });
    }
    made.set(volume.name, path);
  }
  return made;
}

async function filesOf({ name, emptyDir, secret, configMap, projected, downwardAPI }, facts) {
  if (emptyDir !== undefined) return {};
  if (downwardAPI !== undefined) {
    const files = downwardAPI.items.map(({ path, fieldRef }) => [
      path,
      fieldOf(fieldRef.fieldPath, facts),
    ]);
    return Object.fromEntries(files);
  }
  // The token of the pod's service account: berth asks nothing of the API server.
  if (projected?.sources.some(({ serviceAccountToken }) => serviceAccountToken)) return {};
  const reference = secret ? { ...secret, name: secret.secretName } : configMap;
  if (reference === undefined) throw new Error(`this node does not make the volume ${name}`);
  const data = await dataOf(secret ? 'secrets' : 'configmaps', reference, facts);
  if (reference.items === undefined) return data;
  return Object.fromEntries(reference.items.map(({ key, path }) => [path, data[key] ?? '']));
}

/**
 * Pure. Processes have no mounts of their own: where a text names a path below one, it gets the volume's folder instead.
 * @param {object} container
 * @param {ReadonlyMap<string, string>} volumes
 * @returns {(text: string) => string}
 */
export function pathsOf(container, volumes) {
  const mounts = (container.volumeMounts ?? [])
    .map(({ name, mountPath, subPath = '' }) => [mountPath, join(volumes.get(name), subPath)])
    .toSorted(([a], [b]) => b.length - a.length);
  return (text) => {
    const mount = mounts.find(([path]) => text === path || text.startsWith(path + sep));
    return mount === undefined ? text : mount[1] + text.slice(mount[0].length);
  };
}
