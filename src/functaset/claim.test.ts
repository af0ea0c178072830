import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { claimPath, releaseClaim, takeClaim } from './claim.ts';

const busy = expect.objectContaining({ code: 'functaset-busy' });

function forge(directory: string, changes: Record<string, unknown>): void {
  const token = takeClaim(directory);
  const owner = JSON.parse(readFileSync(claimPath(directory), 'utf8'));
  releaseClaim(directory, token);
  writeFileSync(claimPath(directory), JSON.stringify({ ...owner, token: 'other', ...changes }));
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

function forgeOver(directory: string, changes: Record<string, unknown>): void {
  const owner = JSON.parse(readFileSync(claimPath(directory), 'utf8'));
  writeFileSync(claimPath(directory), JSON.stringify({ ...owner, token: 'another', ...changes }));
}
