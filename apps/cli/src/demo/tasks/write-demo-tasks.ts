import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askQuestions, type AskedQuestion } from './ask-questions.ts';
import { labelEras } from './label-eras.ts';
import { labelPresidents, type LabelledText } from './label-presidents.ts';
import { readSpeeches, type Speech } from './speeches.ts';
import { tagNames, type TaggedSentence } from './tag-names.ts';

/**
 * Writes what the demo learns from into a folder that is there: speeches to pre-train on, and of each task a file of rows to
 * learn from and one of other speeches to be evaluated on.
 */
export async function writeDemoTasks(folder: string): Promise<void> {
  const speeches = await readSpeeches();
  const files = demoFiles(speeches, demoRows(speeches));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

/** The rows of a task, of speeches that are learnt from and of those that are kept for evaluation. */
export interface Splits<Row> {
  readonly train: readonly Row[];
  readonly eval: readonly Row[];
}

interface DemoRows {
  readonly president: Splits<LabelledText>;
  readonly era: Splits<LabelledText>;
  readonly names: Splits<TaggedSentence>;
  readonly questions: Splits<AskedQuestion>;
}

/** The rows of all tasks: few, as labels are what is dear. */
export function demoRows(speeches: readonly Speech[]): DemoRows {
  const learnt = speeches.filter(({ isForEval }) => !isForEval);
  const kept = speeches.filter(({ isForEval }) => isForEval);
  return {
    president: { train: labelPresidents(learnt, 100), eval: labelPresidents(kept, 60) },
    era: { train: labelEras(learnt, 200), eval: labelEras(kept, 300) },
    names: { train: tagNames(learnt, 300), eval: tagNames(kept, 500) },
    questions: { train: askQuestions(learnt, 250), eval: askQuestions(kept, 120) },
  };
}

/** The files by their names. */
export function demoFiles(
  speeches: readonly Speech[],
  { president, era, names, questions }: DemoRows,
): Readonly<Record<string, string>> {
  const learnt = speeches.filter(({ isForEval }) => !isForEval);
  return {
    'speeches.jsonl': jsonLines(learnt.map(({ id, text }) => ({ id, text }))),
    'president-train.jsonl': jsonLines(president.train),
    'president-eval.jsonl': jsonLines(president.eval),
    'era-train.jsonl': jsonLines(era.train),
    'era-eval.jsonl': jsonLines(era.eval),
    'names-train.conll': conll(names.train),
    'names-eval.conll': conll(names.eval),
    'questions-train.json': squad(questions.train),
    'questions-eval.json': squad(questions.eval),
  };
}

function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function conll(sentences: readonly TaggedSentence[]): string {
  return sentences
    .map(
      ({ words, tags }) => words.map((word, place) => `${word} ${tags[place]}\n`).join('') + '\n',
    )
    .join('');
}

/** As SQuAD 2.0 has them; where an answer begins is counted in code points there. */
function squad(questions: readonly AskedQuestion[]): string {
  const paragraphs = questions.map(({ id, context, question, answer }) => ({
    context,
    qas: [
      {
        id,
        question,
        answers:
          answer === undefined
            ? []
            : [
                {
                  text: answer.text,
                  answer_start: Array.from(context.slice(0, answer.start)).length,
                },
              ],
        is_impossible: answer === undefined,
      },
    ],
  }));
  return `${JSON.stringify({ version: 'v2.0', data: [{ title: 'State of the Union', paragraphs }] })}\n`;
}
