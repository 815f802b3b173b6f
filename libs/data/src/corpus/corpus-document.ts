/** A document as read: at least one sentence, none of them blank, in order. */
export interface CorpusDocument {
  /** Its `id` field, or file name and line; stable, but unique only as far as the corpus makes it so. */
  readonly id: string;
  readonly sentences: readonly string[];
  /** Of the corpus, where it has several. */
  readonly part?: string;
}
