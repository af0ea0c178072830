import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { sealJson, unsealJson } from '../core/sealed.ts';
import { claimPath, releaseClaim, takeClaim } from './claim.ts';

const busy = expect.objectContaining({ code: 'functaset-busy' });

function forge(directory: string, changes: Record<string, unknown>): void {
  const token = takeClaim(directory);
  const owner = read(directory);
  releaseClaim(directory, token);
  writeFileSync(claimPath(directory), sealJson(format, { ...owner, token: 'other', ...changes }));
}

const format = 'functaset-writer/1';

function read(directory: string): object {
  const about = { what: 'claim', remedy: 'none' };
  return unsealJson(format, readFileSync(claimPath(directory)), about) as object;
}

test('a claim is taken once, and again when it was given back', () => {
  const directory = temporary();
  const token = takeClaim(directory);
  expect(() => takeClaim(directory)).toThrow(busy);
  expect(() => takeClaim(directory)).toThrow('this process');
  releaseClaim(directory, token);
  releaseClaim(directory, takeClaim(directory));
});

test('the claim of a living process stands, whoever’s it is', () => {
  const directory = temporary();
  forge(directory, { pid: process.ppid, started: null });
  expect(() => takeClaim(directory)).toThrow(`process ${process.ppid}`);
  forgeOver(directory, { pid: 1, started: null });
  expect(() => takeClaim(directory)).toThrow(busy);
});

test('the claim of a process that is gone is taken over', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  for (const changes of [
    { pid },
    { pid: process.ppid, started: '1' },
    { started: '1' },
    { boot: 'another start' },
  ]) {
    const directory = temporary();
    forge(directory, changes);
    expect(() => releaseClaim(directory, takeClaim(directory))).not.toThrow();
  }
});

test('half a claim is none, and a claim taken over is not given back by its first owner', () => {
  const directory = temporary();
  for (const text of ['', '{"pid":', 'null', '7', '{"pid":-1}']) {
    writeFileSync(claimPath(directory), text);
    releaseClaim(directory, takeClaim(directory));
  }
  const first = takeClaim(directory);
  forgeOver(directory, { pid: process.ppid, started: null });
  releaseClaim(directory, first);
  expect(() => takeClaim(directory)).toThrow(busy);
});

test('a claim of an older version, without a seal, stands too', () => {
  const directory = temporary();
  takeClaim(directory);
  writeFileSync(
    claimPath(directory),
    JSON.stringify({ ...read(directory), token: 'old', pid: process.ppid, started: null }),
  );
  expect(() => takeClaim(directory)).toThrow(busy);
});

test('after any edit of one byte a claim is an error that says what to do, and stays where it is', () => {
  const directory = temporary();
  const token = takeClaim(directory);
  const whole = readFileSync(claimPath(directory));
  for (let at = 0; at < whole.length; at++) {
    const bad = Buffer.from(whole);
    bad[at]! ^= 1 + (at % 255);
    writeFileSync(claimPath(directory), bad);
    expect(() => takeClaim(directory)).toThrow(
      expect.objectContaining({
        code: 'functaset-claim',
        message: expect.stringContaining('remove this file'),
      }),
    );
    releaseClaim(directory, token);
    expect(readFileSync(claimPath(directory))).toEqual(bad);
  }
});

function forgeOver(directory: string, changes: Record<string, unknown>): void {
  const owner = read(directory);
  writeFileSync(claimPath(directory), sealJson(format, { ...owner, token: 'another', ...changes }));
}
