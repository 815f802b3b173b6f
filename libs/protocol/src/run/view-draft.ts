import type { View } from '@berth/contracts';

/** A view before it is published; Redis gives it its version and first step. */
export type ViewDraft = Omit<View, 'runId' | 'version' | 'fromStep'>;
