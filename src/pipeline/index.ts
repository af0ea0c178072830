/**
 * Joins learning, coding, data and stores into what a user asks for; the command line and the server are thin edges
 * over it.
 */
export type * from './types.ts';
