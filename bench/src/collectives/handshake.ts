import { parseArgs } from 'node:util';
import { silentLogger, type View } from '@berth/contracts';
import { assignBlocks, createPeerNode } from '@berth/collectives';
import { machine } from './allreduce.ts';
import { summarize } from '../summary.ts';

const help = `Usage: npx berth bench handshake [options]

Times how long members on loopback, all in this process, take to join a view: connections, handshakes, first messages.

  --members N     members (default 2)
  --views N       measured views, after ten that are not (default 200)
  --json          every figure`;

const numWarmUp = 10;

/** Milliseconds from the call to the last member's session, for each view. */
async function joinViews(numMembers: number, numViews: number): Promise<number[]> {
  const memberIds = Array.from({ length: numMembers }, (_, index) => `member-${index}`);
  const secret = 'of no use elsewhere';
  const nodes = memberIds.map((memberId) =>
    createPeerNode({ memberId, host: '127.0.0.1', secret, logger: silentLogger }),
  );
  const endpoints = await Promise.all(nodes.map((node) => node.listen()));
  const blocks = assignBlocks(2 ** Math.ceil(Math.log2(numMembers)), memberIds);
  const members = endpoints.map((endpoint, index) => ({
    memberId: memberIds[index] ?? '',
    ...endpoint,
    blocks: blocks[index] ?? [],
  }));
  const timesMs: number[] = [];
  for (let version = 1; version <= numWarmUp + numViews; version++) {
    const view: View = {
      runId: 'bench',
      fencingEpoch: 1,
      version,
      fromStep: 0,
      mode: 'train',
      reason: 'benchmark',
      members,
    };
    const startMs = performance.now();
    await Promise.all(
      nodes.map((node) => node.joinView(view, { vectorLength: 1024, connectTimeoutMs: 30_000 })),
    );
    timesMs.push(performance.now() - startMs);
  }
  await Promise.all(nodes.map((node) => node.close()));
  return timesMs.slice(numWarmUp);
}

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '2' },
    views: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(help);
else {
  const timesMs = await joinViews(Number(values.members), Number(values.views));
  const ms = summarize(timesMs);
  if (values.json) console.log(JSON.stringify({ machine: machine(), ms, timesMs }, null, 2));
  else
    console.log(
      `${values.members} members joined in ${ms.median.toFixed(2)} ms (${ms.low.toFixed(2)} to ${ms.high.toFixed(2)}), ${machine()}`,
    );
}
