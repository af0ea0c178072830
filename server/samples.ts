/** Commands for the reference page: what the page would make up itself sends files with `--data`, which alters them. */

import { signalFormats } from '../src/formats/formats.ts';
import { functaType } from './media.ts';

/** As far as it is looked at. */
interface Described {
  readonly paths?: Readonly<Record<string, object>> | undefined;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> | undefined } | undefined;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema?: Schema }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>;

interface Schema {
  readonly $ref?: string;
  readonly example?: unknown;
}

/** Names of files by media type. */
const files: Readonly<Record<string, string>> = Object.fromEntries([
  ...signalFormats.map(({ mediaType, example }) => [mediaType, example]),
  [functaType, 'one.functa'],
]);

/** The document with a curl command for each operation; `origin` stands before the paths. */
export function withSamples<T extends Described>(document: T, origin: string): T {
  const paths = Object.fromEntries(
    Object.entries(document.paths ?? {}).map(([path, operations]) => [
      path,
      Object.fromEntries(
        Object.entries(operations as Readonly<Record<string, unknown>>).map(([method, operation]) => {
          const source = curl(document, method, `${origin}${path}`, operation as Operation);
          return [
            method,
            { ...(operation as object), 'x-codeSamples': [{ lang: 'Shell', label: 'curl', source }] },
          ];
        }),
      ),
    ]),
  );
  return { ...document, paths };
}

function curl(document: Described, method: string, path: string, operation: Operation): string {
  const { parameters = [], requestBody, responses } = operation;
  const url = parameters
    .filter((parameter) => parameter.in === 'path')
    .reduce(
      (text, { name, schema }) => text.replace(`{${name}}`, String(schema?.example ?? name.toUpperCase())),
      path,
    );
  const words = ['curl'];
  if (method !== 'get' && method !== 'post') words.push('-X', method.toUpperCase());
  const body = requestBody && Object.entries(requestBody.content)[0];
  const answer = Object.keys(responses['200']?.content ?? {})[0];
  if (body !== undefined) {
    const [type, { schema, example }] = body;
    words.push('-H', quoted(`content-type: ${type}`));
    if (type === 'application/json')
      words.push('-d', quoted(JSON.stringify(example ?? exampleOf(document, schema) ?? {})));
    else words.push('--data-binary', `@${files[type] ?? 'file'}`);
  }
  if (answer !== undefined && answer !== 'application/json') {
    words.push('-H', quoted(`accept: ${answer}`), '-o', files[answer] ?? 'answer');
  }
  return [...words, quoted(url)].join(' ');
}

function exampleOf({ components }: Described, schema: Schema | undefined): unknown {
  const name = schema?.$ref?.split('/').at(-1);
  const found = name === undefined ? schema : (components?.schemas?.[name] as Schema | undefined);
  return found?.example;
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
