/** Figures of a functaset, added up function by function. */
import type { FunctasetStats, FunctionSummary, Label } from './types.ts';

export class Figures {
  #count = 0;
  #modulationBytes = 0;
  #codedBytes = 0;
  #bits = 0;
  #psnrDb = 0;
  #known = 0;

  add({ modulationBytes, codedBytes, bits, psnrDb }: FunctionSummary): void {
    this.#count++;
    this.#modulationBytes += modulationBytes;
    this.#codedBytes += codedBytes;
    this.#bits += bits;
    if (Number.isNaN(psnrDb)) return;
    this.#known++;
    this.#psnrDb += psnrDb;
  }

  /** `labels`: how many functions have each, in order of labels. */
  total(fileBytes: number, labels: ReadonlyMap<Label, number>): FunctasetStats {
    return {
      functions: this.#count,
      labels: [...labels].map(([label, functions]) => ({ label, functions })),
      fileBytes,
      modulationBytes: this.#modulationBytes,
      codedBytes: this.#codedBytes,
      meanBits: this.#count === 0 ? null : this.#bits / this.#count,
      meanPsnrDb: this.#known === 0 ? null : this.#psnrDb / this.#known,
    };
  }
}
