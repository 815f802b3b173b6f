import { stringify } from 'yaml';

/** An object as the API server takes it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a pod is made of; `metadata` and `spec` of a template. */
export interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** kubectl reads YAML 1.1, where a bare `yes` is no text. */
const format = { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false } as const;

/** Manifests as `kubectl apply -f -` reads them. */
export function toYaml(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => stringify(manifest, format)).join('---\n');
}
