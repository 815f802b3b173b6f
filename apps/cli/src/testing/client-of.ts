import { silentLogger } from '@berth/contracts';
import { findCoordinator } from '../cluster-access.ts';
import type { CoordinatorClient } from '@berth/launch';

/** Of the cluster that runs from a folder, or undefined when none does. */
export function clientOf(folder: string): CoordinatorClient | undefined {
  const nothing = (): void => undefined;
  return findCoordinator({
    folder,
    berth: 'berth',
    env: {},
    umask: 0o022,
    logger: silentLogger,
    say: nothing,
    print: nothing,
  });
}
