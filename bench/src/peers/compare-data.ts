import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { splitSentences } from '@berth/data';
import { textKinds, writeMadeUpText } from '../data/made-up-text.ts';
import type { PrepareAnswer, PrepareSetting, PrepareWork } from '../data/prepare-process.ts';
import { commonOptions, countOf, oneOf, text } from '../options.ts';
import { ownProgram, ProgramMissing, startProgram } from '../program.ts';
import { startBenchServices } from '../services.ts';
import { summarize, type Summary } from '../summary.ts';

const help = `Usage: npx berth bench data-against-others [options]

Prepares the same made-up text, a sentence a line, with berth, with Google's create_pretraining_data.py and with Hugging Face's
tokenizers, each in one process and in turns, and prints the ratios of their processor times. Google's has no TensorFlow: what
that would do to serialise and write examples costs nothing. berth also checks its input, and stores what it makes in a bucket.

  --python PATH         a Python that has tokenizers (default python3)
  --google-script FILE  create_pretraining_data.py, beside its tokenization.py; left out: without Google's
  --text KIND           demo: the shipped corpus, 10.8 MB of English; or made up: ${textKinds.join(', ')} (default demo)
  --mb N                megabytes of what is made up (default 30)
  --vocabulary N        entries (default 8000)
  --seq N --predictions N  of the examples (default 128 and 20)
  --turns N             of each (default 2)
  --json                all figures`;

const { values } = parseArgs({
  options: {
    python: text('python3'),
    'google-script': text(''),
    mb: text('30'),
    text: text('demo'),
    vocabulary: text('8000'),
    seq: text('128'),
    predictions: text('20'),
    turns: text('2'),
    ...commonOptions,
  },
});

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The shipped corpus, a sentence a line. */
function demoText(): string {
  const packed = readFileSync(fileOf('../../../corpus/sotu.jsonl.gz'));
  const records = gunzipSync(packed).toString().trimEnd().split('\n');
  const documents = records.map((line) => (JSON.parse(line) as { text: string }).text);
  return documents.map((text) => `${splitSentences(text).join('\n')}\n`).join('\n');
}

interface PeerAnswer {
  readonly name: string;
  readonly cpuSeconds: Readonly<Record<string, number>>;
  readonly peakMb: number;
  readonly numTokens: number;
  readonly numExamples?: number;
}

type PeerName = 'google' | 'rust';

/** The same work of a peer and of berth. */
const contests: readonly {
  readonly what: string;
  readonly peer: PeerName;
  readonly part: string;
  readonly work: PrepareWork;
}[] = [
  { what: 'text to token ids', peer: 'google', part: 'tokenise', work: 'tokenise' },
  { what: 'text to examples, end to end', peer: 'google', part: 'whole', work: 'examples' },
  { what: 'text to token ids', peer: 'rust', part: 'tokenise', work: 'tokenise' },
  { what: 'text to a vocabulary', peer: 'rust', part: 'train', work: 'train' },
  {
    what: 'text to a vocabulary and token ids, end to end',
    peer: 'rust',
    part: 'whole',
    work: 'dataset',
  },
];

interface Turn {
  readonly berth: Readonly<Record<PrepareWork, PrepareAnswer>>;
  readonly peers: Readonly<Partial<Record<PeerName, PeerAnswer>>>;
}

async function answerOf<T>(command: string, args: readonly string[]): Promise<T> {
  const program = startProgram(command, args);
  try {
    return (await program.ask()) as T;
  } finally {
    program.stop();
  }
}

async function main(): Promise<void> {
  const kind = oneOf('text', values.text, ['demo', ...textKinds]);
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-data-'));
  const bench = await startBenchServices();
  try {
    const path = join(folder, 'text.txt');
    if (kind === 'demo') writeFileSync(path, demoText());
    else writeMadeUpText(path, { kind, numBytes: countOf('mb', values.mb) * 1e6, seed: 1 });
    const vocabulary = join(folder, 'vocab.txt');
    let numRuns = 0;
    const berth = (work: PrepareWork): Promise<PrepareAnswer> => {
      const setting: PrepareSetting = {
        work,
        // A bucket that has nothing yet.
        s3: { ...bench.services.s3, prefix: `turn-${numRuns++}` },
        text: path,
        ...(work !== 'dataset' && work !== 'train' && { vocabulary }),
        vocabularySize: countOf('vocabulary', values.vocabulary),
        maxSeqLength: countOf('seq', values.seq),
        maxPredictions: countOf('predictions', values.predictions),
      };
      const program = fileOf('../data/prepare-process.js');
      return answerOf(process.execPath, ownProgram(program, [JSON.stringify(setting)]));
    };
    writeFileSync(vocabulary, (await berth('train')).vocabulary);
    const script = values['google-script'];
    const google = [script, path, vocabulary, values.seq, values.predictions];
    const turns: Turn[] = [];
    for (let turn = 0; turn < countOf('turns', values.turns); turn++) {
      const rust = await answerOf<PeerAnswer>(values.python, [
        fileOf('../../src/peers/rust_tokenizers.py'),
        path,
        values.vocabulary,
      ]);
      const own = {
        tokenise: await berth('tokenise'),
        train: await berth('train'),
        dataset: await berth('dataset'),
        examples: await berth('examples'),
      };
      const googles =
        script === ''
          ? {}
          : {
              google: await answerOf<PeerAnswer>(values.python, [
                fileOf('../../src/peers/google_examples.py'),
                ...google,
              ]),
            };
      turns.push({ berth: own, peers: { rust, ...googles } });
    }
    tell(turns, statSync(path).size / 1e6);
  } finally {
    await bench.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function tell(turns: readonly Turn[], mb: number): void {
  const [cpu] = cpus();
  const machine = `${cpus().length} x ${cpu?.model.trim()}, Node ${process.version}`;
  const rows = contests
    .filter(({ peer }) => turns[0]?.peers[peer] !== undefined)
    .map(({ what, peer, part, work }) => {
      const theirs = turns.map(({ peers }) => peers[peer]?.cpuSeconds[part] ?? Number.NaN);
      const ours = turns.map(({ berth }) => berth[work].cpuSeconds);
      return {
        what,
        peer: turns[0]?.peers[peer]?.name ?? peer,
        theirs: summarize(theirs),
        ours: summarize(ours),
        ratio: summarize(theirs.map((seconds, turn) => seconds / (ours[turn] ?? Number.NaN))),
      };
    });
  if (values.json) {
    // A vocabulary is no figure.
    const json = JSON.stringify(
      { machine, mb, settings: values, rows, turns },
      withoutVocabulary,
      2,
    );
    console.log(json);
    return;
  }
  console.log(
    `${mb.toFixed(1)} MB of ${values.text}, vocabulary ${values.vocabulary}, ` +
      `${values.seq} tokens an example; ${turns.length} turns; ${machine}`,
  );
  for (const { what, peer, theirs, ours, ratio } of rows) {
    console.log(`${what}: ${peer}`);
    console.log(
      `  ${range(theirs)} s against berth's ${range(ours)} s of processor time: berth is ${range(ratio)} times as fast`,
    );
  }
  const stages = Object.entries(turns.at(-1)?.berth.examples.cpuSecondsByStage ?? {});
  const byStage = stages.map(([stage, seconds]) => `${stage} ${seconds.toFixed(2)}`);
  console.log(`berth's last end to end by stage, in seconds: ${byStage.join(', ')}`);
  const peers = Object.values(turns.at(-1)?.peers ?? {});
  const memory = peers.map(({ name, peakMb }) => `${name} ${peakMb.toFixed(0)} MB`);
  const own = Math.max(...turns.map(({ berth }) => berth.examples.peakMb));
  console.log(`memory at most: berth ${own.toFixed(0)} MB, ${memory.join(', ')}`);
}

function withoutVocabulary(key: string, value: unknown): unknown {
  return key === 'vocabulary' && String(value).includes('\n') ? undefined : value;
}

function range({ median, low, high }: Summary): string {
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

if (values.help) console.log(help);
else
  await main().catch((error: unknown) => {
    if (error instanceof ProgramMissing)
      console.error(
        `a peer lacks something (${error.message}); pip install tokenizers, name that Python with --python, and Google's ` +
          'script with --google-script',
      );
    else console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
