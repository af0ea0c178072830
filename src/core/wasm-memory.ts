/** Memory of the kernels in WebAssembly: where what stands in it, and room for more. */
import { EnvironmentError } from './errors.ts';

/** Addresses below are the stack's: stack-size of scripts/build-wasm.mjs. */
const stackBytes = 4096;
const pageBytes = 65_536;

type Numbers = Int8Array | Uint8Array | Int16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** Throws EnvironmentError `wasm-memory` where there is no room for it. */
export function memoryOf(bytes: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
  } catch (error) {
    throw noRoom(bytes, error);
  }
}

/** Makes a memory at least so large; views of it are void after that. Throws EnvironmentError `wasm-memory`. */
export function growTo(memory: WebAssembly.Memory, bytes: number): void {
  const lacking = bytes - memory.buffer.byteLength;
  if (lacking <= 0) return;
  try {
    memory.grow(Math.ceil(lacking / pageBytes));
  } catch (error) {
    throw noRoom(bytes, error);
  }
}

function noRoom(bytes: number, cause: unknown): EnvironmentError {
  return new EnvironmentError(
    'wasm-memory',
    `no room for ${bytes} bytes of a kernel's memory; use a smaller model or signal, or free memory`,
    { cause },
  );
}

export class MemoryPlan {
  readonly #placed: { readonly at: number; readonly data: Numbers }[] = [];
  end: number;

  constructor(start = stackBytes) {
    this.end = start;
  }

  /** Address of so many bytes, for vectors of 16. */
  take(bytes: number): number {
    const at = this.end;
    this.end += paddedTo(bytes, 16);
    return at;
  }

  /** Address of these numbers. */
  place(data: Numbers): number {
    const at = this.take(data.byteLength);
    this.#placed.push({ at, data });
    return at;
  }

  /** A memory with all that was placed. Throws EnvironmentError `wasm-memory`. */
  memory(): WebAssembly.Memory {
    const memory = memoryOf(this.end);
    this.writeTo(memory);
    return memory;
  }

  /** Writes all that was placed into a memory that has room for it. */
  writeTo(memory: WebAssembly.Memory): void {
    const bytes = new Uint8Array(memory.buffer);
    for (const { at, data } of this.#placed) {
      bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    }
  }
}

export function paddedTo(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}
