/** Of what the API server says of a run, the fields that are looked at. */
export interface RunObjects {
  /** Absent when there is none. */
  readonly job?: JobObject | undefined;
  readonly pods: readonly PodObject[];
  /** Warnings in the namespace. */
  readonly events: readonly EventObject[];
  /** Claims of the cluster's volumes. */
  readonly claims: readonly ClaimObject[];
}

interface Named {
  readonly metadata: {
    readonly name: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface JobObject extends Named {
  readonly spec: {
    readonly parallelism?: number;
    readonly backoffLimit?: number;
    readonly suspend?: boolean;
  };
  readonly status?: {
    readonly active?: number;
    readonly ready?: number;
    readonly succeeded?: number;
    readonly failed?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface PodObject extends Named {
  readonly spec?: { readonly containers?: readonly { readonly image?: string }[] };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly {
      readonly state?: {
        readonly waiting?: { readonly reason?: string; readonly message?: string };
        readonly terminated?: {
          readonly exitCode: number;
          readonly reason?: string;
          readonly message?: string;
        };
      };
    }[];
  };
}

export interface EventObject {
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject: { readonly kind?: string; readonly name?: string };
}

export interface ClaimObject extends Named {
  readonly spec?: { readonly storageClassName?: string };
  readonly status?: { readonly phase?: string };
}
