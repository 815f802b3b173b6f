import { decideRetention, type Attempts } from '@berth/checkpoint';
import type { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

const keepLast = 3;

interface Saved {
  readonly attempt: number;
  readonly step: number;
}

/** As `applyRetention` and the saver's fence do it: manifests first, then their parts, asking before each deletion. */
export function retain(
  world: World,
  process: SimProcess,
  { attempt, step }: Saved,
  end: () => void,
): void {
  const fenced = (then: (attempts: Attempts) => void): void =>
    world.call(
      process,
      (redis) => ({
        isOurs: redis.runs.hasRecord && redis.attempt === attempt,
        record: redis.record,
      }),
      ({ isOurs, record }) => {
        if (isOurs) then(record.attempts);
        else end();
      },
      end,
    );
  const fence = (then: () => void): void => {
    if (world.sabotage === 'no-delete-fence') then();
    else fenced(then);
  };
  const deleteAll = (
    keys: readonly string[],
    kind: 'manifest' | 'shard',
    done: () => void,
  ): void => {
    const [key, ...others] = keys;
    if (key === undefined) {
      done();
      return;
    }
    fence(() =>
      world.storeCall(
        process,
        (store) => (kind === 'manifest' ? store.deleteManifest(key) : store.deleteShard(key)),
        () => deleteAll(others, kind, done),
        end,
        'delete',
      ),
    );
  };
  fenced((attempts) =>
    world.storeCall(
      process,
      (store) => store.onLine(attempts),
      (listed) => {
        const resumedFromStep = attempts.at(-1)?.wentBackTo;
        const policy = { keepLast, keepEverySteps: 0, ...(resumedFromStep && { resumedFromStep }) };
        const steps = [...new Set(listed.map((manifest) => manifest.step))];
        const decision = decideRetention(steps, policy, step);
        const given = listed.filter((manifest) => decision.delete.includes(manifest.step));
        const keys = given.map(({ key }) => key);
        deleteAll(keys, 'manifest', () =>
          fence(() =>
            world.storeCall(
              process,
              (store) => store.unnamedShards(new Set(keys)),
              (shards) => deleteAll(shards, 'shard', end),
              end,
              'list',
            ),
          ),
        );
      },
      end,
      'list',
    ),
  );
}
