import { createHash } from 'node:crypto';
import type { DataView, ShownDocument } from '@berth/contracts';
import {
  hashOfDocument,
  numDocumentsOf,
  startOfDocument,
  type TokenDocuments,
} from '../dataset/token-documents.ts';
import { giveTurn, isTurnDue } from '../text/work.ts';
import type { Vocabulary } from '../text/vocabulary.ts';
import { createLengths } from './lengths.ts';

/** Documents of a kind that are told. */
const numTold = 8;
/** Tokens of a document that are shown. */
const numShownTokens = 24;
/** Shorter documents are odd by accident. */
const minTokens = 16;

/** Where documents lie that are looked through. */
export interface DocumentsPlace {
  readonly split: 'train' | 'heldOut';
  readonly shard: number;
  readonly names: readonly (string | null)[] | undefined;
}

type OddDocuments = Pick<
  DataView,
  'documentLengths' | 'longest' | 'mostUnknown' | 'mostSymbols' | 'duplicates'
>;

/** Looks documents through for those that stand out: bounded amounts of them, as each is remembered. */
export function createDocumentSurvey({ tokens: entries, unkId }: Vocabulary): {
  readonly add: (documents: TokenDocuments, place: DocumentsPlace) => Promise<void>;
  readonly numDocuments: () => number;
  readonly found: () => OddDocuments;
} {
  const isSymbol = Uint8Array.from(entries, (entry) =>
    /^(?:##)?[\p{N}\p{P}\p{S}]+$/u.test(entry) && !/^\[\w+\]$/.test(entry) ? 1 : 0,
  );
  const lengths = createLengths();
  const longest = createTop();
  const mostUnknown = createTop();
  const mostSymbols = createTop();
  const seen = new Map<string, { count: number; readonly shown: () => ShownDocument }>();
  let numDocuments = 0;

  const addDocument = (
    documents: TokenDocuments,
    { split, shard, names }: DocumentsPlace,
    document: number,
  ): void => {
    const start = startOfDocument(documents, document);
    const ids = documents.tokens.subarray(start, startOfDocument(documents, document + 1));
    const { documentStarts } = documents;
    const numSentences = documentStarts[document + 1]! - documentStarts[document]!;
    let numUnknown = 0;
    let numSymbols = 0;
    for (const id of ids) {
      if (id === unkId) numUnknown += 1;
      if (isSymbol[id] === 1) numSymbols += 1;
    }
    const hash = hashOfDocument(documents, document);
    const name = names?.[document] ?? undefined;
    const beginning = Array.from(ids.subarray(0, numShownTokens), (id) => entries[id] ?? `#${id}`);
    const shown = (value: number): ShownDocument => ({
      split,
      shard,
      document,
      ...(name !== undefined && { name }),
      ...(hash !== undefined && { hash }),
      numTokens: ids.length,
      numSentences,
      value,
      beginning,
    });
    numDocuments += 1;
    lengths.add(ids.length);
    longest.add(ids.length, shown);
    if (ids.length >= minTokens) {
      if (numUnknown > 0) mostUnknown.add(numUnknown / ids.length, shown);
      if (numSymbols > 0) mostSymbols.add(numSymbols / ids.length, shown);
    }
    const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
    const other = seen.get(digest);
    if (other === undefined) seen.set(digest, { count: 1, shown: () => shown(1) });
    else other.count += 1;
  };

  return {
    async add(documents, place) {
      for (let document = 0; document < numDocumentsOf(documents); document++) {
        addDocument(documents, place, document);
        if (isTurnDue()) await giveTurn();
      }
    },
    numDocuments: () => numDocuments,
    found: () => ({
      documentLengths: lengths.bins(),
      longest: longest.all(),
      mostUnknown: mostUnknown.all(),
      mostSymbols: mostSymbols.all(),
      duplicates: [...seen.values()]
        .filter(({ count }) => count > 1)
        .sort((a, b) => b.count - a.count)
        .slice(0, numTold)
        .map(({ count, shown }) => ({ ...shown(), value: count })),
    }),
  };
}

/** Keeps those with the greatest values. */
function createTop(): {
  readonly add: (value: number, shown: (value: number) => ShownDocument) => void;
  readonly all: () => ShownDocument[];
} {
  const kept: { readonly value: number; readonly shown: (value: number) => ShownDocument }[] = [];
  return {
    add(value, shown) {
      if (kept.length === numTold && value <= kept.at(-1)!.value) return;
      const at = kept.findIndex((other) => value > other.value);
      kept.splice(at < 0 ? kept.length : at, 0, { value, shown });
      kept.length = Math.min(kept.length, numTold);
    },
    all: () => kept.map(({ value, shown }) => shown(value)),
  };
}
