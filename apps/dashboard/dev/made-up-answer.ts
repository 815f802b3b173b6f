import { BerthError, type CheckpointReport, type FillMaskAnswer } from '@berth/contracts';

const guesses = ['peace', 'freedom', 'justice', 'progress', 'them', '##ment', 'war', 'good'];

/** What a model might say. The words busy, alone and long in a text make it refuse as a real one would. */
export function madeUpAnswer(
  { text, numCandidates }: { readonly text: string; readonly numCandidates: number },
  run: { checkpointReports(): CheckpointReport[] },
): FillMaskAnswer {
  if (/\bbusy\b/.test(text))
    throw new BerthError(
      'INFERENCE_BUSY',
      'The workers are busy: 16 questions wait already; try again soon',
    );
  if (/\balone\b/.test(text))
    throw new BerthError(
      'INFERENCE_UNAVAILABLE',
      'No worker is there to use a model: start one, with `berth up` or `berth worker`',
    );
  if (/\blong\b/.test(text))
    throw new BerthError(
      'MODEL_INPUT_INVALID',
      'The text has 603 tokens with [CLS] and [SEP], and run wiki-base-64, step 43000 takes at most 512: shorten it',
    );
  const tokens = ['[CLS]', ...text.split(' '), '[SEP]'];
  const masks = [...tokens.keys()]
    .filter((position) => tokens[position]!.includes('[MASK]'))
    .map((position, mask) => ({
      position,
      candidates: guesses.slice(0, numCandidates).map((_, rank) => ({
        token: guesses[(rank + 3 * mask) % guesses.length]!,
        probability: 0.412 * 0.58 ** rank,
      })),
    }));
  const newest = run.checkpointReports().find(({ isAbandoned }) => !isAbandoned);
  return { step: newest?.step ?? 0, tokens, masks };
}
