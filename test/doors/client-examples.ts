/** Examples of the client's methods, as they stand in its sources, to be run against a server. */
import { readFileSync } from 'node:fs';
import { transform } from 'esbuild';

/** Names that an example may use. */
export type Setting = Readonly<Record<string, unknown>>;

/** Runs every example of these sources (paths from the root), and gives the names of the methods they stand at. */
export async function runExamples(paths: readonly string[], setting: Setting): Promise<string[]> {
  const names: string[] = [];
  for (const path of paths) {
    const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
    for (const [, comment, name] of text.matchAll(
      /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+(?:async )?\*?(\w+)\(/g,
    )) {
      const code = /@example\n([\s\S]*)$/.exec(comment!)?.[1];
      if (code === undefined) continue;
      const source = `export default async function (setting) {
        const { ${Object.keys(setting).join(', ')} } = setting;
        ${code.replaceAll(/^\s*\* ?/gm, '')}
      }`;
      const { code: plain } = await transform(source, { loader: 'ts' });
      const run = await import(`data:text/javascript,${encodeURIComponent(plain)}`);
      try {
        await run.default(setting);
      } catch (error) {
        throw new Error(`the example of ${name} in ${path}: ${(error as Error).message}`, { cause: error });
      }
      names.push(name!);
    }
  }
  return names;
}
