/** How many one request may ask for. */

/** Signals drawn, or steps of a path. */
export const maxSampleCount = 256;

/** Functions that are classified. */
export const maxClassified = 1000;
