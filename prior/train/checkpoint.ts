/**
 * The state of a training run as sealed bytes (core/sealed.ts), and back: variables, moments, averages, the step, and shapes once
 * they are chosen. States without a seal, of older versions, are refused.
 */
import { ConflictError } from '../../src/core/errors.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { seal, unseal } from '../../src/core/sealed.ts';
import { type Tensor, takeTensor, tensor } from '../../src/core/tensor.ts';
import type { AdamState } from '../../src/engine/tfjs/backend.ts';
import { readSafetensors, writeSafetensors } from '../../src/field/safetensors.ts';

const format = 'prior-checkpoint/2';

/** Where a run keeps its state; the caller decides how bytes are stored. `save` should replace what was there at once. */
export interface CheckpointPlace {
  load(): Promise<Uint8Array | undefined>;
  save(bytes: Uint8Array): Promise<void>;
  /** Training steps between two; default 500. */
  readonly every?: number | undefined;
}

export interface RunState {
  /** Steps done. */
  readonly step: number;
  readonly variables: readonly Float32Array[];
  readonly adam: AdamState;
  /** Moving averages, of the variables or of what else the run follows; absent where it keeps none. */
  readonly averages?: readonly Float32Array[] | undefined;
  /** [level][channels]. */
  readonly shapes: readonly Uint8Array[];
}

/** What a state belongs to: anything that would make the run another one. */
export function runDigest(parts: unknown): string {
  return sha256Hex(new TextEncoder().encode(JSON.stringify(parts)));
}

export function packState(state: RunState, digest: string): Uint8Array {
  const tensors = new Map<string, Tensor>();
  state.variables.forEach((values, i) => {
    tensors.set(`variable.${i}`, tensor(values));
    tensors.set(`first.${i}`, tensor(state.adam.moments[i]![0]));
    tensors.set(`second.${i}`, tensor(state.adam.moments[i]![1]));
  });
  state.averages?.forEach((values, i) => {
    tensors.set(`average.${i}`, tensor(values));
  });
  state.shapes.forEach((shapes, level) => {
    tensors.set(`shapes.${level}`, tensor(shapes));
  });
  const bytes = writeSafetensors(tensors, {
    digest,
    step: String(state.step),
    updates: String(state.adam.step),
  });
  return seal(format, bytes);
}

/** Throws ConflictError `other-run` when the bytes are those of another run, BadStreamError `seal-absent` or `seal-broken` when damaged. */
export function unpackState(sealed: Uint8Array, digest: string): RunState {
  const bytes = unseal(format, sealed, {
    what: 'the checkpoint of this training',
    remedy: 'remove it (the .checkpoint file beside the output) and train from the start',
  });
  const { tensors, metadata } = readSafetensors(bytes, { ...defaultLimits, maxFileBytes: bytes.length });
  if (metadata.digest !== digest) {
    throw new ConflictError(
      'other-run',
      'the checkpoint belongs to another training; choose another place for it or the old settings',
    );
  }
  const indicesOf = (prefix: string) =>
    Array.from([...tensors.keys()].filter((name) => name.startsWith(prefix)).keys());
  const indices = indicesOf('variable.');
  const averages = indicesOf('average.');
  const floats = (name: string) => takeTensor(tensors, name, 'F32').slice();
  return {
    step: Number(metadata.step),
    variables: indices.map((i) => floats(`variable.${i}`)),
    adam: {
      step: Number(metadata.updates),
      moments: indices.map((i) => [floats(`first.${i}`), floats(`second.${i}`)] as const),
    },
    averages: averages.length > 0 ? averages.map((i) => floats(`average.${i}`)) : undefined,
    shapes: indicesOf('shapes.').map((k) => takeTensor(tensors, `shapes.${k}`, 'U8').slice()),
  };
}
