/**
 * The `functa` backend of TensorFlow.js: the cpu backend with its hot kernels taken over by the native addon, and the
 * memory of their results used again instead of being left to the garbage collector.
 */
import type { backend_util, DataType, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import type { DenseAddon } from './backend-dense.ts';
import type { TensorFlowBundle } from './backend-load.ts';
import { foldKernels } from './kernels-fold.ts';
import { mapKernels } from './kernels-map.ts';
import { matmulKernels } from './kernels-matmul.ts';
import { moveKernels } from './kernels-move.ts';

/** What the kernels see of the backend. */
export interface FunctaBackend {
  readonly dense: DenseAddon;
  /** Memory for a result; its content is arbitrary. */
  allocate(length: number): Float32Array;
  /** A tensor over an array from `allocate`. */
  emit(shape: number[], values: Float32Array): TensorInfo;
  /** A tensor over an array that stays with the garbage collector. */
  makeTensorInfo(shape: number[], dtype: DataType, values?: backend_util.BackendValues): TensorInfo;
  /** The values of a tensor, as they lie in memory. */
  valuesOf(info: TensorInfo): Float32Array;
  bytesOf(info: TensorInfo): Uint8Array;
  intsOf(info: TensorInfo): Int32Array;
  /** Values that may be changed in place, or `undefined` while another tensor holds the same memory. */
  writable(info: TensorInfo): Float32Array | undefined;
  /** The same memory under another shape. */
  reshaped(info: TensorInfo, shape: number[]): TensorInfo;
  disposeIntermediateTensorInfo(info: TensorInfo): void;
  /** Bytes kept for results to come. */
  readonly pooledBytes: number;
}

/** A kernel of this backend; `undefined` hands the call on to the cpu kernel of the same name. */
export interface FunctaKernel {
  readonly name: string;
  readonly run: (call: FunctaCall) => TensorInfo | undefined;
}

export interface FunctaCall {
  readonly tf: TensorFlowBundle;
  readonly backend: FunctaBackend;
  // biome-ignore lint/suspicious/noExplicitAny: each kernel knows the names of its inputs and attributes.
  readonly inputs: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly attrs: any;
}

/** Memory kept by the pool at most; what is over goes to the garbage collector. */
const POOL_BYTES = 256 << 20;

/** Registers backend `functa` once; kernels not taken over are those of the cpu backend. */
export function registerFuncta(tf: TensorFlowBundle, dense: DenseAddon): void {
  if (tf.findBackendFactory('functa') !== null) return;
  const taken = new Map<string, FunctaKernel>();
  for (const kernel of [...matmulKernels, ...mapKernels, ...foldKernels, ...moveKernels])
    taken.set(kernel.name, kernel);
  for (const config of tf.getKernelsForBackend('cpu')) {
    const kernel = taken.get(config.kernelName);
    tf.registerKernel({
      ...config,
      backendName: 'functa',
      kernelFunc: kernel ? over(tf, kernel, config) : config.kernelFunc,
    });
  }
  const Backend = backendClass(tf);
  tf.registerBackend('functa', () => new Backend(dense), 2);
}

function over(tf: TensorFlowBundle, kernel: FunctaKernel, cpu: KernelConfig): KernelConfig['kernelFunc'] {
  return (call) => {
    const { inputs, attrs, backend } = call;
    return (
      kernel.run({ tf, inputs, attrs, backend: backend as unknown as FunctaBackend }) ?? cpu.kernelFunc(call)
    );
  };
}

// The base class comes with the bundle, which is loaded at run time.
function backendClass(tf: TensorFlowBundle) {
  return class extends tf.MathBackendCPU implements FunctaBackend {
    readonly dense: DenseAddon;
    pooledBytes = 0;
    readonly #free = new Map<number, Float32Array[]>();
    /** Buffers from `allocate` that nobody outside the backend has seen: these alone are used again. */
    readonly #ours = new WeakSet<ArrayBufferLike>();

    constructor(dense: DenseAddon) {
      super();
      this.dense = dense;
    }

    allocate(length: number): Float32Array {
      const free = this.#free.get(length)?.pop();
      if (free) {
        this.pooledBytes -= free.byteLength;
        return free;
      }
      const fresh = new Float32Array(length);
      this.#ours.add(fresh.buffer);
      return fresh;
    }

    emit(shape: number[], values: Float32Array): TensorInfo {
      const dataId = {};
      this.data.set(dataId, { values, dtype: 'float32', refCount: 1 });
      return { dataId, shape, dtype: 'float32' };
    }

    valuesOf(info: TensorInfo): Float32Array {
      return this.data.get(info.dataId).values as Float32Array;
    }
    bytesOf(info: TensorInfo): Uint8Array {
      return this.data.get(info.dataId).values as Uint8Array;
    }
    intsOf(info: TensorInfo): Int32Array {
      return this.data.get(info.dataId).values as Int32Array;
    }

    writable(info: TensorInfo): Float32Array | undefined {
      const entry = this.data.get(info.dataId);
      if (entry.refCount > 1) return undefined;
      const values = entry.values as Float32Array;
      if (this.#ours.has(values.buffer)) return values;
      const copy = this.allocate(values.length);
      copy.set(values);
      entry.values = copy;
      return copy;
    }

    reshaped(info: TensorInfo, shape: number[]): TensorInfo {
      this.incRef(info.dataId);
      return { dataId: info.dataId, shape, dtype: info.dtype };
    }

    // Not the base class's: that one prints advice to install another backend.
    override write(values: backend_util.BackendValues, _shape: number[], dtype: DataType): object {
      if (ArrayBuffer.isView(values)) this.#ours.delete(values.buffer);
      const dataId = {};
      this.data.set(dataId, { values, dtype, refCount: 1 });
      return dataId;
    }

    override readSync(dataId: object): backend_util.BackendValues {
      const { values } = this.data.get(dataId);
      if (ArrayBuffer.isView(values)) this.#ours.delete(values.buffer);
      return super.readSync(dataId);
    }

    override disposeData(dataId: object, force = false): boolean {
      const values = this.data.has(dataId) ? this.data.get(dataId).values : undefined;
      const gone = super.disposeData(dataId, force);
      if (gone && values instanceof Float32Array && this.#ours.has(values.buffer)) this.#recycle(values);
      return gone;
    }

    override dispose(): void {
      this.#free.clear();
      this.pooledBytes = 0;
      super.dispose();
    }

    #recycle(values: Float32Array): void {
      if (this.pooledBytes + values.byteLength > POOL_BYTES) return;
      const list = this.#free.get(values.length);
      if (list) list.push(values);
      else this.#free.set(values.length, [values]);
      this.pooledBytes += values.byteLength;
    }
  };
}
