/** Of workers whose launcher says nothing else: a process that somebody started. */
export const plainEngine = 'process';
