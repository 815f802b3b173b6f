import { whole } from './whole.ts';

export const count = whole(0, 999_999_999);
export const steps = whole(1, 999_999_999);
export const workers = whole(1, 1024);
export const threads = whole(1, 1024);

/** All values of an option that may be given again. */
export const collect = (text: string, before: string[]): string[] => [...before, text];
