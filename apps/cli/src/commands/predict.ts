import { resolve } from 'node:path';
import { BerthError, type PredictionInput } from '@berth/contracts';
import {
  countPredictionRows,
  openRows,
  predictionRows,
  readJsonlRows,
  type PredictionRow,
  type PredictionRowsOptions,
} from '@berth/data';
import type { Context } from '../context.ts';
import { formatCount, plural } from '../format.ts';
import { inChunks } from '../in-chunks.ts';
import { openLines } from '../lines-file.ts';
import { withModels } from '../models.ts';
import { RowsProgress } from '../rows-progress.ts';

export interface PredictOptions {
  readonly out?: string;
  /** Names of columns. */
  readonly text?: string;
  readonly pair?: string;
  readonly words?: string;
  /** Tokens of an example at most. */
  readonly seqLength?: number;
  readonly best: boolean;
}

/** Enough that inputs of like length meet, few enough to hold and to show how far it is. */
const chunkSize = { maxItems: 512, maxSize: 262_144 };
/** Who writes rows one by one waits for what is said of them. */
const maxWaitMs = 50;

/**
 * `berth predict`: what a fine-tuned model says of each row of a file, in their order, as lines of JSON.
 * @throws BerthError `DATA_INPUT_*` for rows that are none, `USAGE`, as `withModels`, and what the process that uses the model answers
 */
export async function predict(
  context: Context,
  what: string,
  file: string,
  options: PredictOptions,
): Promise<void> {
  const { out } = options;
  const isStdin = file === '-';
  if (out !== undefined && !isStdin && resolve(out) === resolve(file))
    throw new BerthError('USAGE', `--out ${out} is what is read: name another file`);
  const name = isStdin ? 'standard input' : file;
  const source = isStdin ? undefined : openRows(file);
  await withModels(context, [what], options.best, async ({ places: [model], ask }) => {
    // A file that is not there is told before a model is loaded.
    for await (const _row of source?.rows() ?? []) break;
    const { where, fineTuning, columns } = await ask({ kind: 'describe', model: model! });
    if (fineTuning === null) throw notFineTuned(where);
    const reading = { kind: fineTuning.kind, columns: { ...columns, ...namesOf(options) } };
    const total = source && (await countPredictionRows(source, reading));
    const rows = source?.rows() ?? readJsonlRows(name, process.stdin);
    const output = await openLines(out, (line) => context.print(line));
    const progress = new RowsProgress(process.stderr, total);
    let [numRows, numCut] = [0, 0];
    try {
      for await (const chunk of inChunks(predictionRows(name, rows, reading), {
        ...chunkSize,
        sizeOf: ({ input }) => lengthOf(input),
        maxWaitMs: isStdin ? maxWaitMs : undefined,
      })) {
        const answer = await ask({
          kind: 'predict',
          model: model!,
          inputs: chunk.map(({ input }) => input),
          ...(options.seqLength !== undefined && { maxSeqLength: options.seqLength }),
        });
        await output.add(
          answer.predictions.map((prediction, index) =>
            JSON.stringify({ ...nameOf(chunk[index]!), ...prediction }),
          ),
        );
        numRows += chunk.length;
        numCut += answer.numCut;
        progress.show(numRows, performance.now());
      }
      if (numRows === 0)
        throw new BerthError('DATA_INPUT_INVALID', `${name} has no rows: write one object a line`);
      await output.close();
    } catch (error) {
      await output.discard();
      throw error;
    } finally {
      progress.end();
    }
    const cut = numCut === 0 ? '' : `, ${formatCount(numCut)} cut to the length of an example`;
    const place = out === undefined ? '' : `, in ${out}`;
    context.say(`${where}: ${plural(numRows, 'row')}${cut}${place}`);
  });
}

function notFineTuned(where: string): BerthError {
  return new BerthError(
    'MODEL_UNSUITABLE',
    `${where} is not fine-tuned, so it has no head that says anything of a row: fine-tune it first`,
  );
}

/** The columns that are named. */
function namesOf({ text, pair, words }: PredictOptions): PredictionRowsOptions['columns'] {
  return {
    ...(text !== undefined && { text }),
    ...(pair !== undefined && { pair }),
    ...(words !== undefined && { words }),
  };
}

/** In characters. */
function lengthOf(input: PredictionInput): number {
  return Object.values(input)
    .flat()
    .reduce((sum, text) => sum + (text?.length ?? 0), 0);
}

/** Which row it is: its id, and where it stands. */
function nameOf({ id, place }: PredictionRow): Readonly<Record<string, unknown>> {
  const [, unit, number] = /^(line|row) (\d+)$/.exec(place.at) ?? [];
  return { ...(id !== undefined && { id }), ...(unit !== undefined && { [unit]: Number(number) }) };
}
