/** What a recipe is told of a folder of pictures. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { writeImage } from '../formats/image.ts';
import { systemRecipe } from '../learn/index.ts';
import { shapeOfData } from './index.ts';

async function folderOf(shapes: readonly (readonly [number, number])[]): Promise<string> {
  const directory = temporary();
  for (const [i, shape] of shapes.entries()) {
    const values = new Float32Array(shape[0] * shape[1] * 3).fill(0.5);
    const picture = { id: `${i}`, shape: [...shape], channels: 3 as const, values };
    writeFileSync(join(directory, `${i}.png`), await writeImage(picture, 'png'));
  }
  return `images:${directory}`;
}

const square = Array.from({ length: 20 }, () => [16, 16] as const);

test('pictures that are all of one size are learnt whole, by the system with one vector too', async () => {
  const shape = await shapeOfData(await folderOf(square), 'all');
  expect(shape).toMatchObject({ shape: [16, 16], outputs: 3, uniform: true });
  expect(systemRecipe('functa', shape)).toMatchObject({ shape: [16, 16], crops: false });
});

test('a stray small picture does not decide how large the crops are', async () => {
  const shape = await shapeOfData(await folderOf([...square, [1, 1]]), 'all');
  expect(shape).toMatchObject({ shape: [16, 16], uniform: false });
});

test('where many are small, crops are as small along each axis', async () => {
  const small = Array.from({ length: 5 }, () => [8, 24] as const);
  expect(await shapeOfData(await folderOf([...square, ...small]), 'all')).toMatchObject({ shape: [8, 16] });
});
