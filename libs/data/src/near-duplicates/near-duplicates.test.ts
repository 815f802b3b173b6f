import { describe, expect, it } from 'vitest';
import { documentHash } from '../dataset/document-hash.ts';
import { MersenneTwister } from '../random/mersenne-twister.ts';
import { shuffle } from '../random/random-source.ts';
import { finish } from '../text/work.ts';
import { bandsFor, numHashes, probabilityOfMeeting, similarityOf } from './bands.ts';
import { findNearDuplicates, numDifferingHashes } from './find-near-duplicates.ts';
import { createSignatureTable, type SignatureTable } from './signature-table.ts';
import { createSigner } from './signer.ts';

const threshold = 0.8;
const bands = bandsFor(threshold);
const chance = new MersenneTwister(7);
const heldOutGroup = 9;

/** Words with about the frequencies of a language. */
const words = (num: number): string[] =>
  Array.from({ length: num }, () => `w${Math.floor(20_000 ** chance.random())}`);

/** A copy with some words replaced. */
const edited = (document: readonly string[], share: number): string[] =>
  document.map((word) => (chance.random() < share ? words(1)[0]! : word));

function shinglesOf(document: readonly string[]): Set<string> {
  return new Set(document.slice(4).map((_, at) => document.slice(at, at + 5).join(' ')));
}

function exactSimilarity(a: readonly string[], b: readonly string[]): number {
  const [ofA, ofB] = [shinglesOf(a), shinglesOf(b)];
  const numCommon = [...ofA].filter((shingle) => ofB.has(shingle)).length;
  return numCommon / (ofA.size + ofB.size - numCommon);
}

type Document = readonly [text: string, group: number];

async function tableOf(documents: readonly Document[]): Promise<SignatureTable> {
  const table = createSignatureTable(documents.length, bands);
  const signer = createSigner(bands);
  for (const [text, group] of documents)
    table.add(documentHash([text]), group, (await signer.sign([text]))!);
  return table;
}

const nameOf = (hash: Uint8Array, group: number): string =>
  `${group} ${Buffer.from(hash).toString('hex')}`;

/** The documents that are left out, each by group and hash; in order. */
async function leftOutOf(documents: readonly Document[]): Promise<string[]> {
  const table = await tableOf(documents);
  const isOut = finish(findNearDuplicates(table, { bands, threshold, heldOutGroup }));
  return Array.from({ length: table.numDocuments }, (_, document) => document)
    .filter((document) => isOut[document] === 1)
    .map((document) => nameOf(table.hashOf(document), table.groups[document]!))
    .sort();
}

const shuffled = <T>(items: readonly T[]): T[] => {
  const copy = [...items];
  shuffle(copy, chance);
  return copy;
};

/** Families of documents and edited copies of these, copies of copies among them. */
function families(num: number): Document[] {
  return Array.from({ length: num }, () => {
    let document = words(80);
    return Array.from({ length: 4 }, (): Document => {
      document = edited(document, 0.03 * chance.random());
      return [document.join(' '), Math.floor(3 * chance.random())];
    });
  }).flat();
}

describe('signatures', () => {
  it('do not depend on case, width, punctuation or how text is cut into sentences', async () => {
    const signer = createSigner(bands);
    const sign = async (sentences: string[]): Promise<Uint32Array | undefined> =>
      (await signer.sign(sentences))?.bands.slice();
    const text = 'A ｆｕｌｌ, small step; for one man and 一大步!';
    const signed = await sign([text]);
    expect(await sign(['a Full small', 'STEP for one', 'man and 一', '大步'])).toEqual(signed);
    expect(await sign(['a full small step for one man and 大一步'])).not.toEqual(signed);
    expect(await sign(['... !'])).toBeUndefined();
    expect(await sign(['Too short.'])).toEqual(await sign(['too', 'short']));
    const long = words(9_000).join(' ');
    expect(await sign([long])).toEqual(await sign(long.split(' ')));
  });
});

describe('near duplicates', () => {
  it('are found among 3,000 pairs by estimates without bias, as exact as 128 hashes can be', async () => {
    const documents: Document[] = [];
    const exact = Array.from({ length: 3_000 }, () => {
      const document = words(150);
      const copy = edited(document, 0.08 * chance.random());
      copy[Math.floor(150 * chance.random())] = `w${documents.length}`;
      documents.push([document.join(' '), 0], [copy.join(' '), 0]);
      return exactSimilarity(document, copy);
    });
    const table = await tableOf(documents);
    const isOut = finish(findNearDuplicates(table, { bands, threshold, heldOutGroup }));
    let [sum, sumOfSquares, expected] = [0, 0, 0];
    const bins = new Map<number, { num: number; numFound: number }>();
    for (const [pair, similarity] of exact.entries()) {
      const both = [2 * pair, 2 * pair + 1] as const;
      const numAgreeing = numHashes - numDifferingHashes(table.fingerprints, both);
      const error = similarityOf(numAgreeing) - similarity;
      sum += error;
      sumOfSquares += error ** 2;
      const agreeing = similarity + (1 - similarity) / 16;
      expected += (agreeing * (1 - agreeing) * (16 / 15) ** 2) / numHashes;
      const from = Math.floor(20 * similarity) / 20;
      const bin = bins.get(from) ?? { num: 0, numFound: 0 };
      bins.set(from, bin);
      bin.num += 1;
      bin.numFound += isOut[both[0]]! + isOut[both[1]]!;
    }
    expect(Math.abs(sum / exact.length)).toBeLessThan(0.003);
    expect(Math.sqrt(sumOfSquares / expected)).toBeLessThan(1.05);
    const shareFrom = (from: number, to: number): number => {
      const some = [...bins].filter(([bin]) => bin >= from && bin < to).map(([, bin]) => bin);
      const total = (key: 'num' | 'numFound'): number =>
        some.reduce((all, bin) => all + bin[key], 0);
      return total('numFound') / total('num');
    };
    expect(shareFrom(0.9, 1)).toBeGreaterThan(0.98);
    expect(shareFrom(0.8, 0.9)).toBeGreaterThan(0.75);
    expect(shareFrom(0.7, 0.8)).toBeLessThan(0.25);
    expect(shareFrom(0, 0.65)).toBeLessThan(0.005);
  });

  it('meet by bands that follow from the threshold', () => {
    expect(bands).toEqual({ numBands: 18, numRows: 7 });
    for (const similarity of [0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
      expect(probabilityOfMeeting(similarity, bandsFor(similarity))).toBeGreaterThan(0.95);
  });

  it('are the same in whatever order documents come', async () => {
    const documents = families(400);
    const leftOut = await leftOutOf(documents);
    expect(leftOut.length).toBeGreaterThan(150);
    expect(await leftOutOf(shuffled([...documents, ...documents.slice(0, 90)]))).toEqual(leftOut);
  });

  it('that are left out have no say in what else is', async () => {
    const documents = families(400);
    const leftOut = await leftOutOf(documents);
    const gone = new Set(leftOut.filter(() => chance.random() < 0.5));
    const rest = documents.filter(
      ([text, group]) => !gone.has(nameOf(documentHash([text]), group)),
    );
    expect(await leftOutOf(rest)).toEqual(leftOut.filter((one) => !gone.has(one)));
  });
});
