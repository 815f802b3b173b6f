/**
 * `count` of the places 0 to `total` - 1, ascending and equally far apart; all of them when there are not as many. Of examples
 * in document order each document has its share of what is chosen, to within one.
 */
export function spreadEvenly(total: number, count: number): number[] {
  const numChosen = Math.min(total, count);
  return Array.from({ length: numChosen }, (_, i) => Math.floor((i * total) / numChosen));
}
