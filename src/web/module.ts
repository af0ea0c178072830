/**
 * `functa/web` as one module: what web.ts reads with, the element `<functa-view>`, and the worker of both, which is this module again.
 * scripts/bundle-web.mjs makes dist/web/functa.js of it.
 */
import { workerName } from './messages.ts';
import { answerQuestions } from './reading.ts';
import { defineView } from './view.ts';

export * from '../web.ts';
export type { Drawing, Opened, Opening } from './messages.ts';
export { colourTable } from './paint.ts';
export type { Look } from './shown.ts';
export type { FunctaViewElement } from './view.ts';
export { ReadingError, sharedReader, WorkerReader } from './worker-reader.ts';

const isWorker = typeof document === 'undefined' && (globalThis as { name?: string }).name === workerName;
if (isWorker) answerQuestions(globalThis as unknown as Parameters<typeof answerQuestions>[0]);
else if (typeof customElements !== 'undefined') defineView();
