import { describe, expect, it } from 'vitest';
import { type EngineName, engineNames, listEngines, openEngine } from './index.ts';

describe('openEngine', () => {
  it('tries native, wasm, tfjs and reference, in this order', () => {
    expect(engineNames).toEqual(['native', 'wasm', 'tfjs', 'reference']);
  });

  it.each(engineNames.filter((name) => name !== 'native'))('opens %s by name', async (name) => {
    const engine = await openEngine(name, { threads: 1 });
    expect(engine.name).toBe(name);
    await engine.close();
  });

  it('opens what FUNCTA_ENGINE names, unless the caller names another', async () => {
    const before = process.env.FUNCTA_ENGINE;
    process.env.FUNCTA_ENGINE = 'reference';
    try {
      const [named, asked] = [await openEngine(), await openEngine('wasm', { threads: 1 })];
      expect([named.name, asked.name]).toEqual(['reference', 'wasm']);
      await Promise.all([named.close(), asked.close()]);
    } finally {
      if (before === undefined) delete process.env.FUNCTA_ENGINE;
      else process.env.FUNCTA_ENGINE = before;
    }
  });

  it('names the choices where the name is none', async () => {
    const fault = {
      code: 'unknown-engine',
      message: expect.stringContaining('native, wasm, tfjs, reference'),
    };
    await expect(openEngine('abacus' as EngineName)).rejects.toMatchObject(fault);
    await expect(listEngines({ names: ['abacus' as EngineName] })).rejects.toMatchObject(fault);
  });
});

describe('listEngines', () => {
  it('times what opens, and says in one line why something does not', async () => {
    const states = await listEngines({ names: ['native', 'wasm', 'tfjs'], threads: 1, rounds: 1 });
    expect(states.map(({ name }) => name)).toEqual(['native', 'wasm', 'tfjs']);
    for (const state of states) {
      if (state.present) {
        expect(state.timing.adaptMs).toBeGreaterThan(0);
        expect(state.timing.pointsPerSecond).toBeGreaterThan(0);
      } else {
        expect(state.why).toMatch(/^[^\n]+$/);
      }
    }
  });

  it('says what tfjs runs on, and why nothing better', async () => {
    const [tfjs] = await listEngines({ names: ['tfjs'], rounds: 1 });
    if (!tfjs?.present) return;
    expect(tfjs.backend).toBeDefined();
    for (const { why } of tfjs.backend!.absent) expect(why).toMatch(/^[^\n]+$/);
  });

  it('stops when asked', async () => {
    await expect(listEngines({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});
