import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const good = ['good', 'fine', 'great', 'nice'];
const bad = ['bad', 'poor', 'awful', 'sad'];
const others = ['the', 'film', 'was', 'a', 'very', 'long', 'story'];
const numRows = 60;

/**
 * Writes rows that a model of some thousand weights learns to tell apart, and a vocabulary of their words.
 * @returns what a run file or a request says of a grid of fine-tunings on them
 */
export function tinyGrid(folder: string, name: string, grid: object, train: object = {}): object {
  const [rows, vocabulary] = [join(folder, 'rows.csv'), join(folder, 'vocab.txt')];
  const lines = Array.from({ length: numRows }, (_, row) => {
    const words = row % 2 === 0 ? good : bad;
    const text = [others[row % 7], words[row % 4], others[row % 5], words[(row >> 2) % 4]];
    return `${text.join(' ')} ${row % 3 === 0 ? 'story' : 'film'},${row % 2 === 0 ? 'yes' : 'no'}`;
  });
  writeFileSync(rows, ['text,label', ...lines, ''].join('\n'));
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  writeFileSync(vocabulary, [...special, ...good, ...bad, ...others, ''].join('\n'));
  return {
    name,
    task: { kind: 'classify', train: rows, heldOutRatio: 0.2 },
    vocabulary: { path: vocabulary },
    examples: { maxSeqLength: 16, numShards: 2 },
    model: { size: 'tiny', numLayers: 1, hiddenSize: 32, numHeads: 2, maxPositions: 16 },
    train: { engine: 'eager', globalBatch: 8, virtualRanks: 4, ...train },
    grid,
  };
}
