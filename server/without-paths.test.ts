import { expect, it } from 'vitest';
import { withoutPaths } from './without-paths.ts';

it('leaves of a path of this machine its last part, and everything else as it is', () => {
  for (const [text, wanted] of [
    [
      'model tiny at /srv/my-models/tiny.safetensors cannot be read: bad',
      'model tiny at tiny.safetensors cannot be read: bad',
    ],
    ['no room for /var/lib/functa/functasets/a/b; free some', 'no room for b; free some'],
    ["ENOENT: open '/tmp/x/y'", "ENOENT: open 'y'"],
    ['at C:\\data\\models\\a.bin: no', 'at a.bin: no'],
    ['send image/png, or application/vnd.functa', 'send image/png, or application/vnd.functa'],
    ['see /v1/functasets/a/functions and /docs', 'see /v1/functasets/a/functions and /docs'],
    ['give https://host/path/of', 'give https://host/path/of'],
    ['32/64/96 and */* and 1/2', '32/64/96 and */* and 1/2'],
  ] as const)
    expect(withoutPaths(text)).toBe(wanted);
});
