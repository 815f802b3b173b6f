/** An entry of a container's `env`. */
export type Variable = Readonly<Record<string, unknown>> & { readonly name: string };

/** The user `node` of berth's images, by number: Kubernetes cannot tell from a name that it is not root. */
const berthUser = 1000;

/** Pod Security Standards: restricted. @param user - that files in volumes belong to as well */
export function podSecurity(user = berthUser, group = berthUser): Record<string, unknown> {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: group,
    fsGroup: group,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/**
 * Of every pod: none speaks with the API server, and without links to services there are no variables that Kubernetes makes of
 * their names, which begin with BERTH_ too.
 */
export const podBasics = { automountServiceAccountToken: false, enableServiceLinks: false };

/** A folder of the pod's own at /tmp: where everything is that a process of berth writes. */
export const temporaryVolume = { name: 'tmp', emptyDir: {} };
export const temporaryMount = { name: 'tmp', mountPath: '/tmp' };

export function variable(name: string, value: string | number): Variable {
  return { name, value: String(value) };
}

/** @param field - such as `status.podIP` */
export function fieldVariable(name: string, field: string): Variable {
  return { name, valueFrom: { fieldRef: { fieldPath: field } } };
}

/** A variable that is a key of the same name in a Secret. */
export function secretVariable(
  name: string,
  secret: string,
  { isOptional = false }: { readonly isOptional?: boolean } = {},
): Variable {
  const reference = { name: secret, key: name, ...(isOptional && { optional: true }) };
  return { name, valueFrom: { secretKeyRef: reference } };
}

const bucketVariables = [
  'AWS_ENDPOINT_URL_S3',
  'AWS_REGION',
  'BERTH_S3_BUCKET',
  'BERTH_S3_PREFIX',
  'BERTH_S3_ACCESS_KEY',
  'BERTH_S3_SECRET_KEY',
];

/** Where the bucket is; what the Secret leaves out is AWS's own, such as a role of the pod. */
export function bucketOf(secret: string): Variable[] {
  return bucketVariables.map((name) => secretVariable(name, secret, { isOptional: true }));
}

/** Where Redis and the bucket are. */
export function servicesOf(secret: string): Variable[] {
  return [secretVariable('REDIS_URL', secret), ...bucketOf(secret)];
}
