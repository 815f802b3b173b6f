/** Makes one summand when its turn comes, so that few are alive at a time. */
type Summand<T> = () => T;
/** Gives the sum and takes ownership of both operands. */
type Add<T> = (left: T, right: T) => T;

/** ((first + second) + third) + ... */
export function sumInOrder<T>(summands: readonly Summand<T>[], add: Add<T>): T {
  const [first, ...others] = summands;
  if (first === undefined) throw new RangeError('nothing to add');
  return others.reduce((total, summand) => add(total, summand()), first());
}

/**
 * The canonical binary tree over virtual ranks: a node is left + right, the lower ranks left. Holds one partial sum per
 * level, like the digits of a binary counter; an aligned block's sum is the same node whoever computes it.
 * @param summands - a power of two of them
 */
export function treeSum<T>(summands: readonly Summand<T>[], add: Add<T>): T {
  const partials: T[] = [];
  summands.forEach((summand, index) => {
    let node = summand();
    for (let carry = index; (carry & 1) === 1; carry >>= 1) node = add(pop(partials), node);
    partials.push(node);
  });
  const total = pop(partials);
  if (partials.length > 0) throw new RangeError(`${summands.length} summands: not a power of two`);
  return total;
}

function pop<T>(partials: T[]): T {
  const last = partials.pop();
  if (last === undefined) throw new RangeError('nothing to add');
  return last;
}
