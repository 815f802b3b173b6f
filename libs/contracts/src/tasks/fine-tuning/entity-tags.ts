// A tag of IOB, BIOES or BILOU.
const entityTag = /^[BIESLU]-./;

/**
 * Whether tags say where entities begin and end, such as B-PER, and not what each word is: all but `O` have such a prefix. Then
 * entities are what is measured, as conlleval does, otherwise words.
 */
export function haveEntities(tags: readonly string[]): boolean {
  const others = tags.filter((tag) => tag !== 'O');
  return others.length > 0 && others.every((tag) => entityTag.test(tag));
}
