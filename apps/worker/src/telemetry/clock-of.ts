import { skewWarning, type Logger, type MemberInfo } from '@berth/contracts';
import type { RedisReport } from '@berth/queue';

/** What the worker tells of its machine's clock, in its log too; nothing where that is near enough to Redis'. */
export function clockOf(
  { clockAheadMs }: Pick<RedisReport, 'clockAheadMs'>,
  logger: Logger,
): Pick<MemberInfo, 'clockAheadMs'> {
  const warning = skewWarning(clockAheadMs);
  if (warning === undefined) return {};
  logger.warn(warning);
  return { clockAheadMs };
}
