/**
 * The webgpu backend of TensorFlow.js in Node, on the package `webgpu` (Dawn). Neither package is a dependency: `webgpu`
 * carries its binaries for every system, 142 MB. Where both are installed beside this one, and Dawn finds an adapter,
 * the tfjs engine can run there.
 */
import { EnvironmentError } from '../../core/errors.ts';
import { trial } from './backend.ts';
import type { TensorFlow } from './backend-load.ts';

/** What is used of the adapter, see the WebGPU specification. */
interface Adapter {
  readonly info: { readonly description: string; readonly isFallbackAdapter?: boolean };
  readonly isFallbackAdapter?: boolean;
}

interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}

export interface WebgpuAdapter {
  readonly description: string;
  /** Emulated on the processor: right, and slower than the processor's own kernels. */
  readonly software: boolean;
}

let found: Promise<WebgpuAdapter> | undefined;

/** The adapter of this machine. EnvironmentError `tfjs-absent` where a package, a driver or a device is missing. */
export function findWebgpu(): Promise<WebgpuAdapter> {
  found ??= find();
  return found;
}

/** Makes webgpu the backend that computes. EnvironmentError `tfjs-absent`. */
export async function useWebgpu(tf: TensorFlow): Promise<void> {
  await findWebgpu();
  await optionalImport('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu').catch(() => false))) {
    throw new EnvironmentError('tfjs-absent', 'the adapter gives no device');
  }
  await trial(tf);
}

async function find(): Promise<WebgpuAdapter> {
  const webgpu = await optionalImport('webgpu');
  const { create, globals } = webgpu as { create(options: string[]): Gpu; globals: object };
  const gpu = create([]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) {
    throw new EnvironmentError(
      'tfjs-absent',
      'no adapter: Vulkan finds no device (software: mesa-vulkan-drivers 23 or newer)',
    );
  }
  // The backend asks for what a browser has. Node has had a navigator of its own since version 21.
  Object.assign(globalThis, globals);
  const home = globalThis as { navigator?: object };
  if (home.navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  }
  Object.defineProperty(home.navigator, 'gpu', { value: gpu, configurable: true });
  const { info } = adapter;
  return {
    description: info.description,
    software: info.isFallbackAdapter ?? adapter.isFallbackAdapter ?? false,
  };
}

async function optionalImport(name: string): Promise<unknown> {
  try {
    return await import(/* @vite-ignore */ name);
  } catch (cause) {
    const missing = (cause as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND';
    throw new EnvironmentError(
      'tfjs-absent',
      missing
        ? 'not installed; to have it: npm install webgpu @tensorflow/tfjs-backend-webgpu'
        : `${name} does not load: ${String(cause).split('\n')[0]}`,
      { cause },
    );
  }
}
