/**
 * The tfjs engine on the best backend for fields: a binding of the TensorFlow library, else WebGPU on real hardware, else
 * the project's own kernels on the processor. $FUNCTA_TFJS names one of them, `webgpu` included.
 */
import { availableParallelism } from 'node:os';
import { EnvironmentError } from '../../core/errors.ts';
import type { Engine } from '../engine.ts';
import { type OpenTensorFlow, openTensorFlow } from './backend.ts';
import { loadTensorFlow } from './backend-load.ts';
import { openTfjs } from './tfjs.ts';
import { findWebgpu, useWebgpu } from './webgpu.ts';

export interface OpenTfjs {
  readonly engine: Engine;
  readonly backend: {
    readonly name: string;
    readonly absent: readonly { readonly backend: string; readonly why: string }[];
  };
}

/** Throws EnvironmentError `tfjs-absent`. The engine of TensorFlow.js is global: the backend opened last computes. */
export async function openTfjsEngine(options: { threads?: number | undefined } = {}): Promise<OpenTfjs> {
  const asked = process.env.FUNCTA_TFJS;
  if (asked === 'webgpu') {
    const tf = await loadTensorFlow();
    await useWebgpu(tf);
    return { engine: await openTfjs(tf), backend: { name: 'webgpu', absent: [] } };
  }
  const threads = options.threads ?? availableParallelism();
  const opened = await openTensorFlow({ threads });
  const absent: OpenTfjs['backend']['absent'][number][] = [...opened.absent];
  if (!asked && !isBinding(opened.backend)) {
    const before = opened.tf.getBackend();
    try {
      const { description, software } = await findWebgpu();
      if (software) throw new EnvironmentError('tfjs-absent', `its adapter is software (${description})`);
      await useWebgpu(opened.tf);
      return { engine: await openTfjs(opened.tf), backend: { name: 'webgpu', absent } };
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error;
      await opened.tf.setBackend(before);
      absent.push({ backend: 'webgpu', why: error.message });
    }
  }
  const engine = await openTfjs(opened.tf);
  const used = opened.backend === 'functa' ? threads : 1;
  return { engine: { ...engine, threads: used }, backend: { name: opened.backend, absent } };
}

function isBinding(backend: OpenTensorFlow['backend']): boolean {
  return backend === 'tfjs-node' || backend === 'tfjs-node-gpu';
}
