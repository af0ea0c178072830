/** What is used of the WebAssembly API, so that sources need not see the whole browser library. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(
      module: Module,
      imports: { env: { memory: Memory; price?: (i: number, from: number, to: number) => number } },
    );
    readonly exports: object;
  }
  class Global {
    private constructor();
    value: unknown;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
