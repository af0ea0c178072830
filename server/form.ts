/** Forms (RFC 7578): what parts their parts, and their parts as they come. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { BadInputError, FunctaError } from '../src/core/errors.ts';
import { formType, mediaType } from './media.ts';

/** RFC 2046, section 5.1.1. */
const longestBoundary = 70;

/** The text between the parts of a form. Throws BadInputError `bad-multipart`. */
export function boundaryOf(contentType: string): string {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined) throw new BadInputError('bad-multipart', 'content-type names no boundary');
  if (boundary.length <= longestBoundary) return boundary;
  throw new BadInputError(
    'bad-multipart',
    `the boundary in content-type has ${boundary.length} characters; it may have ${longestBoundary}`,
  );
}

export interface BodyDigest {
  update(piece: Uint8Array | string): void;
  /** SHA-256 of all that was given, in base64url. */
  digest(): string;
}

/**
 * Digests what a request says, piece by piece. A client draws a boundary for each form that it sends: two forms that are the same but for it are
 * one. Throws as `boundaryOf`.
 */
export function digestOfBody(contentType: string): BodyDigest {
  const hash = createHash('sha256');
  const digest = () => hash.digest('base64url');
  if (mediaType(contentType) !== formType) return { update: (piece) => void hash.update(piece), digest };
  const boundary = Buffer.from(boundaryOf(contentType));
  // the end of what came, in which a boundary may have begun
  let held = Buffer.alloc(0);
  return {
    update(piece) {
      let rest = Buffer.concat([held, typeof piece === 'string' ? Buffer.from(piece) : piece]);
      for (let at = rest.indexOf(boundary); at >= 0; at = rest.indexOf(boundary)) {
        hash.update(rest.subarray(0, at));
        rest = rest.subarray(at + boundary.length);
      }
      const sure = Math.max(0, rest.length - boundary.length + 1);
      hash.update(rest.subarray(0, sure));
      held = Buffer.from(rest.subarray(sure));
    },
    digest() {
      hash.update(held);
      return digest();
    },
  };
}

export interface FormOptions<T> {
  /** The one field that is text, and how many bytes it may have. */
  readonly field: string;
  readonly fieldBytes: number;
  /** Takes the one file as it comes. */
  readonly keep: (pieces: AsyncIterable<Uint8Array>) => Promise<T>;
}

export interface Form<T> {
  readonly field: string | undefined;
  /** What `keep` made of the file. */
  readonly file: T | undefined;
}

/**
 * Reads a form of a field and a file, in either order; the file is never in memory whole. Throws BadInputError `bad-multipart`, and what `pieces`
 * and `keep` throw.
 */
export async function readForm<T>(
  pieces: AsyncIterable<Uint8Array>,
  contentType: string,
  { field: name, fieldBytes, keep }: FormOptions<T>,
): Promise<Form<T>> {
  const parser = parserOf(contentType, fieldBytes);
  let field: string | undefined;
  let file: Promise<T> | undefined;
  let source: Readable | undefined;
  let notKept: unknown;
  const refuse = (what: string) =>
    parser.destroy(
      new BadInputError('bad-multipart', `${what}; send one field ${name} and at most one file, whole`),
    );
  for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const)
    parser.on(limit, () => refuse('the form has more parts'));
  parser.on('field', (own, value, nameCut, valueCut) => {
    if (own !== name || nameCut) return refuse(`field ${own.slice(0, 64)}`);
    if (valueCut) return refuse(`field ${name} is longer than ${fieldBytes} bytes`);
    field = value;
  });
  parser.on('file', (_name, stream) => {
    source = stream;
    // whoever keeps it hears of a fault, or has stopped listening
    stream.on('error', () => undefined);
    file = keep(stream);
    file.catch((error) => {
      notKept = error;
      parser.destroy(error);
    });
  });
  try {
    await pipeline(Readable.from(pieces), parser);
  } catch (error) {
    // what the parser says of the bytes has no code of ours
    const fault = notKept ?? (error instanceof FunctaError ? error : notWhole());
    source?.destroy(fault as Error);
    await file?.catch(() => undefined);
    throw fault;
  }
  return { field, file: await file };
}

function notWhole(): BadInputError {
  return new BadInputError('bad-multipart', 'the form is not whole, or none as content-type says');
}

function parserOf(contentType: string, fieldBytes: number): BusboyInstance {
  boundaryOf(contentType);
  const limits = { fields: 1, files: 1, parts: 2, fieldSize: fieldBytes, fieldNameSize: 64, headerPairs: 16 };
  return new Busboy({ headers: { 'content-type': contentType }, limits });
}
