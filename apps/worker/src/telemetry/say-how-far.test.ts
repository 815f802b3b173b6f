import type { PrepareProgress } from '@berth/data';
import { expect, it } from 'vitest';
import { sayHowFar } from './say-how-far.ts';

const megabyte = 1_000_000;

it('says what is done, how much of it and how fast, at most once a second', () => {
  const said: string[] = [];
  let nowMs = 5_000;
  const say = sayHowFar(
    (words) => said.push(words),
    () => nowMs,
  );
  const tell = (activity: PrepareProgress['activity'], numMegabytes: number | null): void =>
    say({
      activity,
      numBytesRead: numMegabytes === null ? null : numMegabytes * megabyte,
      numBytes: 40 * megabyte,
    });
  tell('counting words', 0);
  nowMs += 900;
  tell('counting words', 9);
  nowMs += 1_100;
  tell('counting words', 10);
  tell('making the vocabulary', null);
  nowMs += 10;
  tell('tokenising', 0);
  nowMs += 4_000;
  tell('tokenising', 40);
  expect(said).toEqual([
    'reading the corpus: 0 % of 40.0 MB (counting words)',
    'reading the corpus: 25 % of 40.0 MB, 5.0 MB/s (counting words)',
    'making the vocabulary',
    'reading the corpus: 0 % of 40.0 MB (tokenising)',
    'reading the corpus: 100 % of 40.0 MB, 10.0 MB/s (tokenising)',
  ]);
});
