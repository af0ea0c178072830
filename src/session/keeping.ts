/** What a file keeps of a signal beside its values, by name. */
export const keepings = ['all', 'axes', 'none'] as const;
export type Keeping = (typeof keepings)[number];
