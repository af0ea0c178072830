/** A signal as a function, of any size that the limits of the library allow. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../../src/disk/whole.ts';
import { openSession } from '../../../src/session/index.ts';
import { functaType } from '../../media.ts';
import { encodable, readSignal } from '../../work/signals.ts';
import { loadJobModel } from '../model.ts';
import type { JobWork } from './index.ts';

const job = 'encode';
const file = 'signal.functa';

export const encode: JobWork<'encode'> = async (
  spec,
  { engine, limits, inputs, places, onEvent, signal },
) => {
  const model = await loadJobModel(inputs.model!);
  const { quality, maxError, keepSigns, keep, effort, steps, psnr, bytes, type, variable, grid } = spec;
  onEvent({ type: 'start', job, total: 1, done: 0, unit: 'signals' });
  const read = await readSignal(new Uint8Array(await readFile(places.upload)), model, limits, {
    type,
    onShape: encodable(model, limits, effort ?? 1),
    variable,
    grid,
  });
  for (const message of read.notes ?? []) onEvent({ type: 'note', job, message });
  const target =
    psnr !== undefined ? { psnrDb: psnr } : bytes !== undefined ? { fileBytes: bytes } : undefined;
  const session = openSession({ model, engine, limits });
  const encoded = await session.encode(read, {
    ...{ quality, maxError, keepSigns, keep, effort, steps, target, signal },
  });
  await writeWhole(join(places.work, file), encoded.bytes, { replace: true });
  const { psnrDb, bitsPerPoint, quality: reached } = encoded;
  return {
    file: { file, mediaType: functaType },
    figures: { fileBytes: encoded.bytes.length, psnrDb, bitsPerPoint, quality: reached },
  };
};
