/** A task of the demo: its run file is configs/finetune-<name>.yaml, and its rows are in two files. */
export interface DemoTask {
  readonly name: string;
  /** For people. */
  readonly question: string;
  /** How the names of its files end. */
  readonly extension: 'jsonl' | 'conll' | 'json';
}

export const demoTasks: readonly DemoTask[] = [
  { name: 'era', question: 'before or after 1900?', extension: 'jsonl' },
  { name: 'names', question: 'which words are names?', extension: 'conll' },
  { name: 'president', question: 'which of six presidents?', extension: 'jsonl' },
  { name: 'questions', question: 'where is the answer?', extension: 'json' },
];

/** The file of a task's rows. */
export function rowsFile({ name, extension }: DemoTask, split: 'train' | 'eval'): string {
  return `${name}-${split}.${extension}`;
}
