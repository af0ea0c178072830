import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { engineContract } from '../contract.ts';
import { openTfjsEngine } from './open.ts';
import { findWebgpu } from './webgpu.ts';

const found = await findWebgpu().catch((error: Error) => error);
const here = !(found instanceof Error);

beforeAll(() => {
  vi.stubEnv('FUNCTA_TFJS', 'webgpu');
});
afterAll(() => {
  vi.unstubAllEnvs();
});

if (here) {
  const open = async () => (await openTfjsEngine()).engine;
  engineContract(`tfjs on webgpu (${found.description})`, open, {
    exactOverlap: false,
    threaded: false,
  });
}

describe('the webgpu backend', () => {
  it.skipIf(here)('says in one line what is missing', async () => {
    const error = await openTfjsEngine().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'tfjs-absent', kind: 'environment' });
    expect((error as Error).message).toMatch(/npm install webgpu|no adapter/);
    expect((error as Error).message).not.toContain('\n');
  });

  it('is passed over for the processor where its adapter is software', async () => {
    vi.stubEnv('FUNCTA_TFJS', undefined);
    const { engine, backend } = await openTfjsEngine();
    const why = backend.absent.find((absent) => absent.backend === 'webgpu')?.why;
    if (here && !found.software) expect(backend.name).toBe('webgpu');
    else expect(why).toMatch(here ? /software/ : /npm install webgpu|no adapter/);
    await engine.close();
    vi.stubEnv('FUNCTA_TFJS', 'webgpu');
  });
});
