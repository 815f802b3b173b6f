import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunStatusReport } from '@berth/contracts';
import { temporaryFolder } from '@berth/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { berth } from '../berth-process.ts';
import type { TestCluster } from '../test-cluster.ts';

const text = [
  'The quick brown fox jumps over the lazy dog.\nIt does so every day.\nNobody knows why.\n',
  'A second document follows the first.\nIt has two sentences.\n',
  'A third one is here as well.\nIt also ends.\n',
]
  .join('\n')
  .repeat(3);

const good: Record<string, string | object> = {
  name: 'good',
  corpus: { path: 'good.txt', heldOutRatio: 0.1 },
  vocabulary: { size: 64 },
  examples: { maxSeqLength: 16, maxPredictions: 2, numShards: 2 },
  model: { size: 'tiny', hiddenSize: 16, numHeads: 2, maxPositions: 16 },
  train: { numSteps: 2, engine: 'eager', globalBatch: 4, virtualRanks: 2, numEvalExamples: 2 },
};

/** @param clusterOf - the cluster, once it runs */
export function badInput(clusterOf: () => TestCluster): void {
  let folder: string;
  let cluster: TestCluster;

  /** Changes some settings of the good run; sections are merged. */
  function runFile(name: string, change: Record<string, object>): string {
    const sections = Object.entries(change).map(([section, fields]) => [
      section,
      { ...(good[section] as object), ...fields },
    ]);
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify({ ...good, ...Object.fromEntries(sections), name }));
    return file;
  }

  async function refused(args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await berth(args, { folder });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    const errors = stderr.split('\n').filter((line) => line.startsWith('error: '));
    expect(errors).toHaveLength(1);
    return errors[0] ?? '';
  }

  /** Names of all dataset manifests in the bucket. */
  function manifests(): string[] {
    const root = join(folder, 's3');
    return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.includes('datasets') && name.includes('manifest.json'),
    );
  }

  beforeAll(() => {
    cluster = clusterOf();
    ({ folder } = cluster);
    writeFileSync(join(folder, 'good.txt'), text);
    writeFileSync(join(folder, 'empty.txt'), '\n\n');
    writeFileSync(join(folder, 'latin1.txt'), Buffer.from('Caf\xe9 au lait.\n', 'latin1'));
    mkdirSync(join(folder, 'nothing'));
    writeFileSync(join(folder, 'tweets.txt'), text.replaceAll(/\n+/g, '\n\n'));
    const words = [...new Set(text.match(/[a-z]+/gi))].map((word) => word.toUpperCase());
    const cased = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '.', ...new Set(words)];
    writeFileSync(join(folder, 'cased.txt'), cased.join('\n'));
    mkdirSync(join(folder, 'mixed'));
    writeFileSync(join(folder, 'mixed', 'a.txt'), Buffer.from(`\ufeff${text}`, 'utf16le'));
    writeFileSync(join(folder, 'mixed', 'b.docx'), 'x');
    symlinkSync('.', join(folder, 'mixed', 'self'));
  });

  describe('bad input gives one error and exit code 2', () => {
    it.each([
      ['missing-corpus', { corpus: { path: 'nowhere.txt' } }, /nowhere\.txt/],
      ['empty-corpus', { corpus: { path: 'empty.txt' } }, /no document|0 documents/],
      ['empty-folder', { corpus: { path: 'nothing' } }, /nothing/],
      ['not-utf8', { corpus: { path: 'latin1.txt' } }, /latin1\.txt.*UTF-8/],
      [
        'large-vocabulary',
        { vocabulary: { size: 5000 } },
        /supports a vocabulary of \d+ entries, not 5000/,
      ],
      [
        'many-predictions',
        { examples: { maxPredictions: 15 } },
        /examples\.maxPredictions: 15 is more than/,
      ],
      [
        'unknown-key',
        { train: { globalBach: 4 } },
        /unknown key "train\.globalBach"; did you mean "globalBatch"\?/,
      ],
      [
        'cased-vocabulary',
        { vocabulary: { path: 'cased.txt', size: undefined } },
        /of the tokens are \[UNK\].*set vocabulary\.doLowerCase: false/,
      ],
      ['single-sentences', { corpus: { path: 'tweets.txt' } }, /every document has one sentence/],
      [
        'uneven-batch',
        { train: { virtualRanks: 8 } },
        /train\.globalBatch: 4 .*use a multiple of 8/,
      ],
    ])('%s', async (name, change, message) => {
      const before = manifests();
      expect(await refused(['train', runFile(name, change)])).toMatch(message);
      expect(manifests()).toEqual(before);
    });

    it('a config that contradicts what its run has trained', async () => {
      const trained = await berth(['train', runFile('fixed', {})], { folder });
      expect(trained).toMatchObject({ exitCode: 0 });
      for (const [change, message] of [
        [{ examples: { maxPredictions: 1 } }, 'examples.maxPredictions 2, this config says 1'],
        [{ vocabulary: { size: 65 } }, 'vocabulary.size 64, this config says 65'],
        [{ model: { hiddenSize: 32 } }, 'model.hiddenSize 16, this config says 32'],
      ] as const) {
        const error = await refused(['train', runFile('fixed', change)]);
        expect(error).toContain(`made with ${message}; `);
        expect(error).toContain('restore the value, or choose another name');
      }
    });

    it('a vocabulary file that has another size than stated', async () => {
      const file = join(folder, 'vocab.txt');
      writeFileSync(file, '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n');
      expect(
        await refused(['train', runFile('stated', { vocabulary: { path: file, size: 64 } })]),
      ).toMatch(/vocabulary\.size is 64, but .*vocab\.txt has 6 tokens/);
    });

    it('a run file that is not there, and a wrong option', async () => {
      expect(await refused(['train', join(folder, 'no-such.yaml')])).toMatch(
        /no-such\.yaml: cannot be read/,
      );
      const { exitCode } = await berth(['params', '--model', 'huge'], { folder });
      expect(exitCode).toBe(2);
    });

    it('a port that is taken', async () => {
      const { port } = new URL(cluster.client.url);
      const { path } = await temporaryFolder();
      const { exitCode, stderr } = await berth(['up', '--port', port], { folder: path });
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(
        /error: HTTP cannot listen on 127\.0\.0\.1:\d+: .*choose another port/,
      );
    });

    it('an unknown run exits with 3', async () => {
      expect(await berth(['status', 'ghost'], { folder })).toMatchObject({ exitCode: 3 });
    });
  });

  describe('odd input', () => {
    it('is told of before training, in the status and in the report, and nothing need be held out', async () => {
      const file = runFile('mixed', { corpus: { path: 'mixed', heldOutRatio: 0 } });
      const { exitCode, stderr } = await berth(['train', file], { folder });
      expect({ exitCode, stderr }).toEqual({
        exitCode: 0,
        stderr: expect.stringContaining('completed') as string,
      });
      expect(stderr).toMatch(
        /left out of the corpus: b\.docx \(not .*\), self \(a link to a folder\)/,
      );
      const told = stderr.indexOf(
        'data: 1 file, 1 file in utf-16le, 4 documents (0 of one sentence), 3 duplicates',
      );
      expect(told).toBeGreaterThan(-1);
      expect(told).toBeLessThan(stderr.indexOf('running'));
      const shown = await berth(['status', 'mixed'], { folder });
      expect(shown.stdout).toMatch(/0 % held out/);
      expect(shown.stdout).toMatch(/warning: left out of the corpus: b\.docx/);
      const report = JSON.parse(
        (await berth(['status', 'mixed', '--json'], { folder })).stdout,
      ) as RunStatusReport;
      expect(report.lastEval).toBeNull();
      expect(report.dataset?.findings.map(({ code }) => code)).toContain('left-out');
    });
  });
}
