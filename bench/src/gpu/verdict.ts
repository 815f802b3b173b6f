import type { Comparison } from '../peers/compare-step.ts';
import type { ProductsReport } from '../step/products.ts';
import type { SameBitsReport } from '../step/same-bits.ts';
import type { StepReport } from '../step/step.ts';
import type { Figures, Part } from './part.ts';

export interface Verdict {
  readonly figures: Figures;
  /** What is not as it must be. */
  readonly complaint?: string;
}

/** float32 itself is off by some 1e-7, TF32 by 3e-4. */
const mostOfFloat32 = 1e-5;

/** What a part's report says, and whether that is as it must be. `flops` are those of the matrix products of its step. */
export function judge(part: Part, report: unknown, flops: number): Verdict {
  switch (part.kind) {
    case 'products': {
      const found = report as ProductsReport;
      return complain({ kind: 'products', ...found }, complaintOfProducts(found));
    }
    case 'bits': {
      const found = report as SameBitsReport;
      const { digests, areEqual } = found;
      return complain(
        { kind: 'bits', ...found },
        areEqual ? undefined : `${new Set(digests).size} results of ${digests.length} processes`,
      );
    }
    case 'step': {
      const { shape, rival } = part;
      const measured =
        rival === 'none'
          ? aloneFigures(report as StepReport)
          : comparedFigures((report as readonly Comparison[])[0]!);
      const seconds = measured.berthMs / 1000;
      return {
        figures: {
          kind: 'step',
          ...shape,
          rival,
          ...measured,
          tokensPerSecond: (shape.batch * shape.seq) / seconds,
          matmulGflops: flops / seconds / 1e9,
        },
      };
    }
  }
}

function complain(figures: Figures, complaint: string | undefined): Verdict {
  return complaint === undefined ? { figures } : { figures, complaint };
}

function complaintOfProducts({ precision, relativeError }: ProductsReport): string | undefined {
  const off = relativeError.toExponential(1);
  if (!Number.isFinite(relativeError)) return `products are off by ${off}`;
  if (precision === 'fp32' && relativeError > mostOfFloat32)
    return `products of fp32 are off by ${off}: something rounds them`;
  if (precision === 'tf32' && relativeError <= mostOfFloat32)
    return `products are off by ${off} only: this GPU has no TF32, or it is not used, and figures of tf32 are those of fp32`;
  return undefined;
}

function aloneFigures(report: StepReport) {
  return {
    berthMs: report.stepMs.median,
    berthFirstStepMs: report.firstStepMs,
    berthMemoryBytes: report.deviceMemoryBytes,
  };
}

function comparedFigures(comparison: Comparison) {
  const { berthMs, torchMs, firstStepMs, deviceMemoryBytes, ratio } = comparison;
  return {
    berthMs: berthMs.median,
    berthFirstStepMs: firstStepMs.berth,
    berthMemoryBytes: deviceMemoryBytes.berth,
    torch: {
      name: comparison.peers[0] ?? 'PyTorch',
      stepMs: torchMs.median,
      firstStepMs: firstStepMs.torch,
      ratio,
      memoryBytes: deviceMemoryBytes.torch,
      tensorBytes: comparison.torchTensorBytes,
    },
  };
}
