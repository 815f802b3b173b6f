import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { decodeSafetensors } from '@berth/checkpoint';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { readHuggingFaceFolder } from '../folder/read-folder.ts';
import { readWeights } from '../model-source.ts';
import {
  microConfigJson,
  microTensors,
  microWeights,
  writeMicroFolder,
} from '../testing/micro-folder.ts';
import { writeHuggingFaceFolder } from './write-folder.ts';

async function paths(): Promise<{ from: string; to: string }> {
  const { path } = await temporaryFolder();
  return { from: writeMicroFolder(join(path, 'from')), to: join(path, 'to') };
}

const json = (folder: string, name: string): unknown =>
  JSON.parse(readFileSync(join(folder, name), 'utf8'));

describe('a written folder', () => {
  it('holds the tensors that were read, to the byte, and opens again', async () => {
    const { from, to } = await paths();
    const written = await writeHuggingFaceFolder(await readHuggingFaceFolder(from), to);
    const bytes = readFileSync(join(to, 'model.safetensors'));
    expect(written.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    const { tensors, metadata } = decodeSafetensors(bytes);
    expect(metadata).toEqual({ format: 'pt' });
    expect([...tensors.keys()].sort()).toEqual(
      microTensors()
        .map(({ name }) => name)
        .sort(),
    );
    for (const { name, shape, bytes: before } of microTensors())
      expect(tensors.get(name)).toMatchObject({ shape, bytes: Buffer.from(before) });
    const again = await readHuggingFaceFolder(to);
    expect(again.notes).toEqual([]);
    expect(await readWeights(again)).toEqual(microWeights);
    expect(json(to, 'config.json')).toMatchObject(microConfigJson);
  });

  it('names the class that has the heads that are there', async () => {
    const { from, to } = await paths();
    for (const [lacking, architecture] of [
      ['cls.seq_relationship', 'BertForMaskedLM'],
      ['cls.', 'BertModel'],
    ] as const) {
      const tensors = microTensors().filter(({ name }) => !name.startsWith(lacking));
      writeMicroFolder(from, { tensors });
      const source = await readHuggingFaceFolder(from);
      await writeHuggingFaceFolder(source, `${to}-${architecture}`);
      expect(json(`${to}-${architecture}`, 'config.json')).toMatchObject({
        architectures: [architecture],
      });
    }
  });

  it('has what sentence-transformers wants when it is made for it', async () => {
    const { from, to } = await paths();
    const source = await readHuggingFaceFolder(from);
    await writeHuggingFaceFolder(source, to, { layout: 'sentence-transformers' });
    expect(json(to, '1_Pooling/config.json')).toMatchObject({ pooling_mode_mean_tokens: true });
    expect(json(to, 'modules.json')).toHaveLength(2);
  });

  it('leaves a folder alone that holds something, unless it is told to', async () => {
    const { from, to } = await paths();
    mkdirSync(to);
    writeFileSync(join(to, 'mine.txt'), 'mine');
    const source = await readHuggingFaceFolder(from);
    await expect(writeHuggingFaceFolder(source, to)).rejects.toMatchObject({
      code: 'CHECKPOINT_EXISTS',
    });
    expect(readdirSync(to)).toEqual(['mine.txt']);
    await writeHuggingFaceFolder(source, to, { force: true });
    expect(readFileSync(join(to, 'mine.txt'), 'utf8')).toBe('mine');
    expect(await readWeights(await readHuggingFaceFolder(to))).toEqual(microWeights);
  });

  it('takes an empty folder', async () => {
    const { from, to } = await paths();
    mkdirSync(to);
    await writeHuggingFaceFolder(await readHuggingFaceFolder(from), to);
    expect(readdirSync(to)).toContain('config.json');
  });

  it('has the permissions that it is to have, with the folders above it', async () => {
    const { from, to } = await paths();
    const source = await readHuggingFaceFolder(from);
    const nested = join(to, 'above', 'it');
    await writeHuggingFaceFolder(source, nested, { umask: 0o027, layout: 'sentence-transformers' });
    const modeOf = (path: string): number => statSync(path).mode & 0o777;
    for (const folder of [join(to, 'above'), nested, join(nested, '1_Pooling')])
      expect(modeOf(folder)).toBe(0o750);
    for (const file of ['model.safetensors', '1_Pooling/config.json', 'config.json'])
      expect(modeOf(join(nested, file))).toBe(0o640);
  });

  it('is refused where no folder can be made', async () => {
    const { from } = await paths();
    const source = await readHuggingFaceFolder(from);
    for (const place of ['/proc/none/of/these', join(from, 'config.json', 'below')])
      await expect(writeHuggingFaceFolder(source, place)).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('is not there at all when its weights turn out to be damaged', async () => {
    const { from, to } = await paths();
    const source = { ...(await readHuggingFaceFolder(from)), weightsDigest: '0'.repeat(64) };
    await expect(writeHuggingFaceFolder(source, to)).rejects.toMatchObject({
      code: 'CHECKPOINT_CORRUPT',
    });
    expect(readdirSync(join(to, '..'))).toEqual(['from']);
  });
});
