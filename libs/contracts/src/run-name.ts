/** Names of runs, which are also folders in the store. */
export const runNamePattern = /^[a-z0-9][a-z0-9-]{0,62}$/;
