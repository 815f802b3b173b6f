import { silentLogger, type Logger } from '@berth/contracts';
import { Controller, holdLease, coordinationTimes, type LeaseAnswer } from '../index.ts';
import { leadingPorts } from './leading-ports.ts';
import { runScript } from './script.ts';
import { SimCalls } from './sim-calls.ts';
import { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

/** A coordinator process: the real controller and its lease, over simulated Redis and bucket. */
export class SimLeader {
  readonly process: SimProcess;

  constructor(world: World, name: string) {
    this.process = new SimProcess(name, world.clock);
    const calls = new SimCalls(world, this.process);
    const logger = traceLogger(world, name);
    const controller = new Controller(leadingPorts(world, calls, logger));
    const { leaseTtlMs: ttlMs } = coordinationTimes;
    const lease = {
      ttlMs,
      acquire: (usedEpoch: number) =>
        calls.redis((redis, nowMs) =>
          redis.lease.acquire(nowMs, name, ttlMs, usedEpoch, world.timeMs),
        ),
      release: () => calls.redis((redis) => redis.lease.release(name)),
    };
    const listener = {
      onAcquired: (held: Extract<LeaseAnswer, { held: true }>) => {
        const isLater = held.fencingEpoch > held.serverEpoch;
        const isRestored = world.sabotage === 'restore-once' ? isLater : held.isRestored;
        controller.hold({ ...held, isRestored });
      },
      onLost: () => controller.hold(undefined),
      usedEpoch: () => controller.usedEpoch,
      isOver: () => false,
    };
    runScript(holdLease(lease, calls.clock, listener, logger), ended, failed);
    runScript(
      controller.run(() => false),
      ended,
      failed,
    );
  }
}

const ended = (): void => undefined;

function failed(error: unknown): void {
  throw error;
}

/** What a coordinator logs is part of the trace. */
function traceLogger({ trace }: World, name: string): Logger {
  const note = (message: string, fields: object = {}): void =>
    trace.note(name, `${message} ${JSON.stringify(fields)}`);
  const logger: Logger = {
    ...silentLogger,
    info: note,
    warn: note,
    error: note,
    child: () => logger,
  };
  return logger;
}
