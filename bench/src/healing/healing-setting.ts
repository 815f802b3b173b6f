import type { ModelSize } from '@berth/contracts';

/** What the engine of a member is made with. */
export interface EngineSetting {
  readonly size: ModelSize;
  readonly batchSize: number;
  readonly numThreads: number;
}

/** What one member process is started with. */
export interface JoinMemberSetting {
  readonly memberId: string;
  readonly engine: EngineSetting;
  /** Parameters of the model. */
  readonly partLength: number;
  /** Of the state it begins with. */
  readonly seed: number;
  readonly computes: boolean;
}
