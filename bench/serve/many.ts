/**
 * What a stored thumbnail takes, on the disk and in the memory of the service: coded files of 32 x 32, put over HTTP again and again under
 * other ids, in tars.
 *
 *   node --import tsx bench/serve/many.ts 200000
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { FunctaClient } from '../../server/client/client.ts';
import { serve } from './served.ts';

const functions = Number(process.argv[2] ?? 200_000);
const perRequest = 4000;
const told = Math.max(perRequest, Math.ceil(functions / 8 / perRequest) * perRequest);
const folder = new URL('../../test/fixtures/datasets/emoji/', import.meta.url).pathname;

const home = mkdtempSync(join(tmpdir(), 'functa-many-'));
const served = await serve({ args: ['--home', home] });
const client = new FunctaClient(`http://127.0.0.1:${served.port}`);
try {
  await client.createFunctaset('many', { model: 'cifar10' });
  const files: Uint8Array[] = [];
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.png'))) {
    const small = await sharp(readFileSync(join(folder, name)))
      .flatten()
      .resize(32, 32)
      .png()
      .toBuffer();
    files.push((await client.encode('cifar10', small, { steps: 'asked' })).bytes);
  }
  const file = join(home, 'functasets/default/many/data.mdb');
  let payload = 0;
  const started = performance.now();
  for (let at = 0; at < functions; at += perRequest) {
    const names = Array.from({ length: Math.min(perRequest, functions - at) }, (_, i) => at + i);
    const blocks = names.flatMap((n) =>
      entry(`thumbnail-${String(n).padStart(7, '0')}`, files[n % files.length]!),
    );
    payload += names.reduce((sum, n) => sum + files[n % files.length]!.length, 0);
    const { errors } = await client.addFunction('many', Buffer.concat([...blocks, new Uint8Array(1024)]));
    if (errors.length > 0) throw new Error(errors[0]!.detail);
    const done = at + names.length;
    if (done % told !== 0 && done !== functions) continue;
    const { now, own } = served.memory();
    const { size } = statSync(file);
    const allowed = 1.3 * payload + 200 * done;
    const seconds = (performance.now() - started) / 1000;
    console.log(
      `${done} functions, ${(done / seconds).toFixed(0)}/s: payload ${(payload / done).toFixed(1)} bytes each, on disk ${(size / done).toFixed(1)} (allowed ${(allowed / done).toFixed(1)}); memory ${now.toFixed(0)} MB, ${own.toFixed(0)} MB of its own`,
    );
  }
  let listed = 0;
  for await (const _ of client.functions('many', { limit: 1000 })) if (++listed >= 100_000) break;
  const { now, own } = served.memory();
  console.log(`after listing ${listed}: memory ${now.toFixed(0)} MB, ${own.toFixed(0)} MB of its own`);
  console.log(`processor time ${served.cpuSeconds().toFixed(0)} s`);
} finally {
  await served.stop();
  rmSync(home, { recursive: true, force: true });
}

/** POSIX.1-1988, ustar. */
function entry(name: string, bytes: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(512);
  head.write(name, 0);
  head.write('0000644\u00000000000\u00000000000\u0000', 100);
  head.write(`${bytes.length.toString(8).padStart(11, '0')}\u0000${'0'.repeat(11)}\u0000        0`, 124);
  head.write('ustar\u000000', 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148);
  return [head, bytes, new Uint8Array(-bytes.length & 511)];
}
