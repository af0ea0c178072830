/** A directory with a tiny model and pictures, for commands that code. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataset } from '../../datasets/registry.ts';
import { openEngine } from '../../src/engine/index.ts';
import { writeImage } from '../../src/formats/image.ts';
import { makeTinyModel } from '../../src/jobs/testing.ts';

export interface Workplace {
  readonly directory: string;
  /** The model file. */
  readonly model: string;
  /** A path in the directory. */
  at(name: string): string;
  remove(): void;
}

/** The directory holds `tiny.safetensors` and the pictures 0.png to 2.png, grey, 28 x 28. */
export async function makeWorkplace(): Promise<Workplace> {
  const directory = mkdtempSync(join(tmpdir(), 'functa-cli-'));
  const at = (name: string) => join(directory, name);
  const engine = await openEngine();
  try {
    writeFileSync(at('tiny.safetensors'), await makeTinyModel(engine));
  } finally {
    await engine.close();
  }
  const data = await openDataset('fixture-fashion', 'test');
  for (let i = 0; i < 3; i++) writeFileSync(at(`${i}.png`), await writeImage(await data.get(i), 'png'));
  data.close();
  return {
    directory,
    model: at('tiny.safetensors'),
    at,
    remove: () => rmSync(directory, { recursive: true }),
  };
}
