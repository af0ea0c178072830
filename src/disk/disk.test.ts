import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { writeFailure } from './failure.ts';
import { isOver, processTag, startOf } from './process.ts';
import { dropScratch, removeUnfinished, scratchBeside, sweepScratch } from './scratch.ts';
import { checkFree, replaceWhole, WholeFiles, writeWhole } from './whole.ts';

vi.setConfig({ testTimeout: 60_000 });

const bytes = Uint8Array.of(1, 2, 3);

/** Runs a module with these functions in a process of its own, which may end itself. */
function child(code: string, ...args: string[]) {
  const url = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const source = `
    import { writeWhole } from ${url('./whole.ts')};
    import { scratchBeside } from ${url('./scratch.ts')};
    import { mkdirSync } from 'node:fs';
    const [path] = process.argv.slice(1);
    ${code}`;
  return spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source, ...args]);
}

describe('a file', () => {
  test('is whole under its name, and nothing is left beside it', async () => {
    const path = join(temporary(), 'a');
    await writeWhole(path, bytes, { replace: false });
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
    expect(readdirSync(join(path, '..'))).toEqual(['a']);
  });

  test('is kept unless it may be replaced', async () => {
    const path = join(temporary(), 'a');
    writeFileSync(path, 'old');
    const taken = { kind: 'conflict', code: 'output-exists' };
    await expect(checkFree(path, { replace: false })).rejects.toMatchObject(taken);
    await expect(writeWhole(path, bytes, { replace: false })).rejects.toMatchObject(taken);
    expect(readFileSync(path, 'utf8')).toBe('old');
    await checkFree(path, { replace: true });
    await writeWhole(path, bytes, { replace: true });
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
  });

  test('that fails half way leaves what was there, and nothing else', async () => {
    const path = join(temporary(), 'a');
    writeFileSync(path, 'old');
    async function* half() {
      yield bytes;
      throw new Error('no more');
    }
    await expect(writeWhole(path, half(), { replace: true })).rejects.toThrow('no more');
    expect(readdirSync(join(path, '..'))).toEqual(['a']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  test('may be one of many that wait for the disk together: a name that is taken is told, the others are there', async () => {
    const directory = temporary();
    const names = Array.from({ length: 100 }, (_, i) => `${i}`);
    const files = new WholeFiles({ replace: false });
    for (const name of names) await files.write(join(directory, name), bytes);
    await files.settle();
    expect(readdirSync(directory).sort()).toEqual([...names].sort());
    for (const name of names) expect(new Uint8Array(readFileSync(join(directory, name)))).toEqual(bytes);
    const again = new WholeFiles({ replace: false });
    await again.write(join(directory, 'new'), bytes);
    await again.write(join(directory, '7'), Buffer.from('other'));
    await expect(again.settle()).rejects.toMatchObject({ code: 'output-exists' });
    await expect(again.write(join(directory, 'late'), bytes)).rejects.toMatchObject({
      code: 'output-exists',
    });
    expect(readdirSync(directory).sort()).toEqual([...names, 'new'].sort());
    expect(new Uint8Array(readFileSync(join(directory, '7')))).toEqual(bytes);
  });

  test('that the disk does not take is a tagged error with its path; a fault of the content stays what it is', async () => {
    const path = join(temporary(), 'none', 'a');
    const refused = { kind: 'environment', code: 'cannot-write', message: expect.stringContaining(path) };
    await expect(writeWhole(path, bytes, { replace: true })).rejects.toMatchObject(refused);
    const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    expect(writeFailure(path, full)).toMatchObject({ kind: 'environment', code: 'disk-full' });
    async function* odd() {
      yield bytes;
      throw full;
    }
    await expect(writeWhole(join(temporary(), 'a'), odd(), { replace: true })).rejects.toBe(full);
  });

  test('is written without waiting by those who name it when they know its bytes', () => {
    const directory = temporary();
    const path = join(directory, 'a');
    replaceWhole(path, (fresh) => writeFileSync(fresh, 'one'));
    expect(readFileSync(path, 'utf8')).toBe('one');
    replaceWhole(
      path,
      (fresh) => writeFileSync(fresh, 'b'),
      (fresh) => join(directory, readFileSync(fresh, 'utf8')),
    );
    const fails = () =>
      replaceWhole(path, (fresh) => {
        writeFileSync(fresh, 'half');
        throw new Error('no more');
      });
    expect(fails).toThrow('no more');
    expect(readdirSync(directory).sort()).toEqual(['a', 'b']);
    expect(readFileSync(path, 'utf8')).toBe('one');
  });

  test('may have a name as long as names can be', async () => {
    const directory = temporary();
    for (const name of ['n'.repeat(255), '\u{1f33d}'.repeat(63)]) {
      await writeWhole(join(directory, name), bytes, { replace: false });
    }
    expect(readdirSync(directory)).toHaveLength(2);
  });
});

describe('what a killed process left', () => {
  test('goes with the next write beside it; the scratch of the living and files of others stay', async () => {
    const directory = temporary();
    const died = child(
      `async function* pieces() {
         yield new Uint8Array(1000);
         mkdirSync(scratchBeside(path + '-directory'));
         process.kill(process.pid, 'SIGKILL');
         await new Promise(() => {});
       }
       await writeWhole(path, pieces(), { replace: false });`,
      join(directory, 'a'),
    );
    expect(died.signal).toBe('SIGKILL');
    expect(readdirSync(directory)).toHaveLength(2);
    const mine = scratchBeside(join(directory, 'mine'));
    writeFileSync(mine, '');
    const others = ['.a.12345678.tmp', 'a.tmp', '.hidden', `.a.${processTag()}.tmp`];
    for (const name of others) writeFileSync(join(directory, name), '');
    sweepScratch(directory);
    const left = readdirSync(directory).sort();
    expect(left).toEqual([...others, mine.slice(directory.length + 1)].sort());
    dropScratch(mine);
    expect(existsSync(mine)).toBe(false);
  });

  test('is swept by a writer that never heard of it', async () => {
    const directory = temporary();
    child('mkdirSync(scratchBeside(path));', join(directory, 'a'));
    expect(readdirSync(directory)).toHaveLength(1);
    await writeWhole(join(directory, 'b'), bytes, { replace: false });
    expect(readdirSync(directory)).toEqual(['b']);
  });

  test('of a process that must leave at once is taken away by itself', () => {
    const path = scratchBeside(join(temporary(), 'a'));
    writeFileSync(path, '');
    mkdirSync(`${path}-no`);
    removeUnfinished();
    expect([existsSync(path), existsSync(`${path}-no`)]).toEqual([false, true]);
  });
});

describe('a process is over', () => {
  const [place, pid, start] = processTag().split('-') as [string, string, string];
  test('when none of its number runs, or another one that began later', () => {
    const { pid: gone } = spawnSync(process.execPath, ['-e', '']);
    expect(isOver(`${place}-${gone}-${start}`, 0)).toBe(true);
    expect(isOver(`${place}-${pid}-${start}`, 1e12)).toBe(false);
    if (startOf(process.pid) !== null) expect(isOver(`${place}-${pid}-1`, 0)).toBe(true);
    expect(isOver(`${place}-${pid}-0`, 0)).toBe(false);
  });

  test('elsewhere, where nobody can ask, when it wrote nothing for a day', () => {
    const elsewhere = `${place === '00000000' ? '1' : '0'}0000000-${pid}-${start}`;
    expect([isOver(elsewhere, 3600e3), isOver(elsewhere, 25 * 3600e3)]).toEqual([false, true]);
    const directory = temporary();
    const name = join(directory, `.a.${elsewhere}.12345678.tmp`);
    writeFileSync(name, '');
    sweepScratch(directory);
    expect(existsSync(name)).toBe(true);
    utimesSync(name, new Date(0), new Date(Date.now() - 25 * 3600e3));
    sweepScratch(directory);
    expect(existsSync(name)).toBe(false);
  });
});
