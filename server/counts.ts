/** How many one request may ask for. */

/** Signals drawn, or steps of a path. */
export const maxSampleCount = 256;

/** Samples of a picture that another codec is tried on, some twenty times. */
export const mostPeerSamples = 2 ** 18;

/** Functions that are classified. */
export const maxClassified = 1000;
