import { arch, availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { runProgram } from './run-program.ts';

/** What figures are to be read with: the first line of results.jsonl. */
export interface Machine {
  readonly gpu: string | null;
  readonly processor: string;
  readonly numProcessors: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  /** How many programs wanted a processor as the run began. */
  readonly load: number;
  /** Versions of PyTorch and transformers; null where they cannot be used. */
  readonly pytorch: string | null;
  /** Why it cannot. */
  readonly pytorchMissing?: string;
}

const gpuFacts = 'name,driver_version,memory.total,compute_cap,power.limit,clocks.max.sm';

const probe = `
import sys, torch, transformers
if sys.argv[1] == "gpu" and not torch.cuda.is_available():
    sys.exit("PyTorch " + torch.__version__ + " sees no GPU")
print("PyTorch", torch.__version__ + ", transformers", transformers.__version__)
`;

export async function readMachine(device: 'cpu' | 'gpu', python: string): Promise<Machine> {
  const gpu =
    device === 'cpu'
      ? undefined
      : await runProgram('nvidia-smi', [`--query-gpu=${gpuFacts}`, '--format=csv,noheader'], {
          deadlineMs: 20_000,
        });
  const torch = await runProgram(python, ['-c', probe, device], { deadlineMs: 120_000 });
  return {
    gpu: gpu === undefined ? null : gpu.output.trim() || `nvidia-smi: ${gpu.failure ?? 'nothing'}`,
    processor: cpus()[0]?.model ?? 'unknown',
    numProcessors: availableParallelism(),
    memoryBytes: totalmem(),
    system: `Linux ${release()} ${arch()}`,
    node: process.version,
    load: loadavg()[0] ?? 0,
    pytorch: torch.failure === undefined ? torch.output.trim() : null,
    ...(torch.failure === undefined ? {} : { pytorchMissing: torch.failure }),
  };
}
