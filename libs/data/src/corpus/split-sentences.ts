import { createSentenceSplitter } from './sentence-splitter.ts';

/**
 * Splits English prose into sentences: Unicode sentence segmentation (UAX 29, as the runtime's ICU has it), then
 * parts that were cut after an abbreviation, an initial or quoted speech are joined again. Blank parts are dropped.
 */
export function splitSentences(text: string): string[] {
  const splitter = createSentenceSplitter();
  return [...splitter.add(text), ...splitter.end()];
}
