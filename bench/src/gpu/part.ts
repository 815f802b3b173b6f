import type { ModelSize } from '@berth/contracts';
import type { ProductsReport } from '../step/products.ts';
import type { SameBitsReport } from '../step/same-bits.ts';
import type { StepPrecision } from '../step/step-setting.ts';

/** What PyTorch does in a part: nothing where there is none. */
export type Rival = 'none' | 'eager' | 'compiled';

export interface StepShape {
  readonly model: ModelSize;
  readonly precision: StepPrecision;
  readonly seq: number;
  readonly batch: number;
  readonly predictions: number;
}

interface Common {
  /** Unlike that of all other parts; the same in every run that measures the same. */
  readonly name: string;
  /** How long it takes where nothing is known of the machine. */
  readonly estimateMs: number;
  /** Of `node`: a program of bench and its options. */
  readonly args: readonly string[];
}

/** A measurement by a process of its own, which prints a report as JSON. */
export type Part = Common &
  (
    | { readonly kind: 'products'; readonly precision: StepPrecision }
    | { readonly kind: 'bits'; readonly model: ModelSize; readonly precision: StepPrecision }
    | { readonly kind: 'step'; readonly shape: StepShape; readonly rival: Rival }
  );

export interface StepFigures extends StepShape {
  readonly rival: Rival;
  readonly berthMs: number;
  readonly tokensPerSecond: number;
  readonly matmulGflops: number;
  readonly berthFirstStepMs: number;
  /** What the GPU had in use more, pool and context included; null without a GPU. */
  readonly berthMemoryBytes: number | null;
  readonly torch?: {
    readonly name: string;
    readonly stepMs: number;
    readonly firstStepMs: number;
    /** PyTorch's time over berth's: median of the turns and their middle half. */
    readonly ratio: { readonly median: number; readonly low: number; readonly high: number };
    readonly memoryBytes: number | null;
    /** Most that its tensors took of the GPU. */
    readonly tensorBytes: number | null;
  };
}

/** What a part found. */
export type Figures =
  | ({ readonly kind: 'products' } & ProductsReport)
  | ({ readonly kind: 'bits' } & SameBitsReport)
  | ({ readonly kind: 'step' } & StepFigures);

/** How a part ended: a line of results.jsonl. What was found is there too when it is not as it must be. */
export interface Outcome {
  readonly part: string;
  readonly status: 'done' | 'failed' | 'skipped';
  /** Why it failed, or was skipped. */
  readonly reason?: string;
  readonly tookMs?: number;
  readonly figures?: Figures;
}
