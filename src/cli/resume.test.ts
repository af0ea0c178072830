import { expect, it } from 'vitest';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { resumable, resumeCommand } from './resume.ts';

it('an interruption says what is kept and the command that goes on', async () => {
  const work = () => Promise.reject(new AbortedError());
  await expect(resumable(() => 'step 250 is saved', work)).rejects.toThrow(
    /^interrupted; step 250 is saved; go on with: functa .*--resume$/,
  );
});

it('other faults pass as they are', async () => {
  const fault = new BadInputError('bad-query', 'm');
  await expect(
    resumable(
      () => '',
      () => Promise.reject(fault),
    ),
  ).rejects.toBe(fault);
});

it('the command can be pasted into a shell', () => {
  expect(resumeCommand(['learn', '-o', "my model's.safetensors", '--set', 'a.b=1'])).toBe(
    "functa learn -o 'my model'\\''s.safetensors' --set a.b=1 --resume",
  );
  expect(resumeCommand(['build', 'x', '--resume'])).toBe('functa build x --resume');
});
