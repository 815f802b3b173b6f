// As Python's str.split(), and its \w, see them.
const space = new RegExp(String.raw`[\t-\r\x1c-\x20\x85\p{Zs}\u2028\u2029]+`, 'u');
const article = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;
const asciiPunctuation = /[!-/:-@[-`{-~]/g;

/**
 * An answer as SQuAD's evaluation compares it: in lower case, without ASCII punctuation, without articles, with single spaces.
 */
export function normalizeAnswer(text: string): string {
  return text
    .toLowerCase()
    .replace(asciiPunctuation, '')
    .replace(article, ' ')
    .split(space)
    .filter((word) => word !== '')
    .join(' ');
}

/** The words of a normalised answer. */
export function answerTokens(text: string): string[] {
  const normal = normalizeAnswer(text);
  return normal === '' ? [] : normal.split(' ');
}

/** 1 where two answers are the same once normalised, otherwise 0. */
export function exactMatch(truth: string, predicted: string): number {
  return normalizeAnswer(truth) === normalizeAnswer(predicted) ? 1 : 0;
}

/** F1 over the words of two answers; where one has none, 1 if neither has any, as in the evaluation of SQuAD 2.0. */
export function tokenF1(truth: string, predicted: string): number {
  const [wanted, found] = [answerTokens(truth), answerTokens(predicted)];
  if (wanted.length === 0 || found.length === 0) return wanted.length === found.length ? 1 : 0;
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let numSame = 0;
  for (const word of found) {
    const count = left.get(word) ?? 0;
    if (count > 0) numSame += 1;
    left.set(word, count - 1);
  }
  if (numSame === 0) return 0;
  const precision = numSame / found.length;
  const recall = numSame / wanted.length;
  return (2 * precision * recall) / (precision + recall);
}
