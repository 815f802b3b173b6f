import { readBlocks } from './read-text.ts';
import { inputInvalid } from './input-errors.ts';
import type { Row } from './row.ts';

interface Question {
  readonly id?: unknown;
}

interface Paragraph {
  readonly context?: unknown;
  readonly qas?: unknown;
}

/**
 * The questions of a SQuAD file, 1.1 or 2.0, as rows with `context` and what the file has of each: `id`, `question`, `answers`,
 * `is_impossible`. The format has no end before the last bracket, so the file is read as a whole.
 * @throws BerthError `DATA_INPUT_INVALID` for a file that is no JSON, or not built as SQuAD's
 */
export async function* readSquadRows(path: string): AsyncGenerator<Row> {
  const blocks: string[] = [];
  for await (const block of readBlocks(path)) blocks.push(block);
  let file: unknown;
  try {
    file = JSON.parse(blocks.join(''));
  } catch (error) {
    throw inputInvalid(path, 'is not JSON: replace it with an intact copy', error);
  }
  const articles = listOf(path, 'data', (file as { data?: unknown } | null)?.data);
  for (const [a, article] of articles.entries()) {
    const ofArticle = `data[${a}].paragraphs`;
    const { paragraphs } = article as { paragraphs?: unknown };
    for (const [p, paragraph] of listOf(path, ofArticle, paragraphs).entries()) {
      const { context, qas } = paragraph as Paragraph;
      const where = `${ofArticle}[${p}].qas`;
      for (const [q, question] of listOf(path, where, qas).entries()) {
        const { id } = question as Question;
        const at = typeof id === 'string' ? `question ${id}` : `${where}[${q}]`;
        yield { place: { path, at }, values: { context, ...question } };
      }
    }
  }
}

function listOf(path: string, where: string, value: unknown): readonly object[] {
  const isList =
    Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null);
  if (isList) return value as object[];
  throw inputInvalid(
    path,
    `${where} is not a list of objects, as SQuAD has them: {"data": [{"paragraphs": [{"context": …, "qas": […]}]}]}`,
  );
}
