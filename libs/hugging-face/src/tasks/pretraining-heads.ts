/** The classes of transformers that have the heads of pre-training, by what a model lacks. */
export function architectureOf(missing: ReadonlySet<string>): string {
  const lacks = (scope: string): boolean => [...missing].some((name) => name.startsWith(scope));
  if (lacks('cls/predictions')) return 'BertModel';
  return lacks('cls/seq_relationship') || lacks('bert/pooler')
    ? 'BertForMaskedLM'
    : 'BertForPreTraining';
}
