/** What a request for a job says: JSON, or a form of JSON and the file that the job is about. */
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { BadInputError } from '../../src/core/errors.ts';
import { bodyPieces, readBody } from '../body.ts';
import type { ServerContext } from '../context.ts';
import { readForm } from '../form.ts';
import { parseJson } from '../json.ts';
import { checkContentType, formType, jsonType } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { badParameter } from '../parameters.ts';
import { jobsOf } from './room.ts';
import { type JobSpec, jobSpec } from './specs.ts';
import type { Upload } from './uploads.ts';

const maxSpecBytes = 64 * 1024;
const field = 'job';

const requestSchema = { $ref: '#/components/schemas/JobRequest' } as const;

/** Described, and checked where it is read: what a form says is known when all of it is there. */
export const jobRequestContent = {
  [jsonType]: { schema: requestSchema },
  [formType]: {
    schema: {
      type: 'object',
      required: [field],
      properties: {
        [field]: requestSchema,
        file: { type: 'string', contentMediaType: 'application/octet-stream' },
      },
    } as object,
  },
};

export interface ReadJobRequest {
  readonly spec: JobSpec;
  /** Tells the request from another under the same key. */
  readonly digest: string;
  /** Forgets the upload that the file was kept as: a job that took it keeps it. */
  done(): Promise<void>;
}

/**
 * Reads what job is asked for. The file of a form is kept as an upload, which is the data of the job. Throws HttpFault 415
 * `unsupported-media-type`, BadInputError `bad-parameter`, `bad-multipart`, and what reading a body and keeping an upload throw.
 */
export async function readJobRequest(c: Context<ServerEnv>, context: ServerContext): Promise<ReadJobRequest> {
  const contentType = c.req.header('content-type') ?? '';
  const type = checkContentType(contentType, [jsonType, formType], 'declared');
  const parse = (bytes: Uint8Array) => parseJson(bytes, context.traffic);
  if (type === jsonType) {
    const spec = checked(parse(await readBody(c, Math.min(maxSpecBytes, context.maxBodyBytes))));
    return { spec, digest: digestOf(spec), done: async () => undefined };
  }
  const { uploads, limits } = jobsOf(context);
  const { namespace } = c.get('access');
  let upload: Upload | undefined;
  const done = async () => {
    // one that stays all the same is forgotten within a day
    if (upload !== undefined) await uploads.remove(namespace, upload.id).catch(() => undefined);
  };
  try {
    const form = await readForm(bodyPieces(c, limits.uploadBytes + maxSpecBytes), contentType, {
      field,
      fieldBytes: maxSpecBytes,
      keep: async (pieces) => {
        upload = await uploads.keep(namespace, pieces);
        return upload;
      },
    });
    if (form.field === undefined)
      throw new BadInputError(
        'bad-multipart',
        `the form has no field ${field}; send one with the job as JSON`,
      );
    const asked = parse(Buffer.from(form.field));
    const spec = checked(form.file === undefined ? asked : withUpload(asked, form.file.id));
    // the upload has another name each time: what the request says is its bytes
    return { spec, digest: digestOf([{ ...spec, data: null }, form.file?.sha256 ?? spec.data]), done };
  } catch (error) {
    await done();
    throw error;
  }
}

function digestOf(said: unknown): string {
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

/** Throws BadInputError `bad-multipart` where the job names other data. */
function withUpload(asked: unknown, upload: string): unknown {
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) return asked;
  if (!('data' in asked)) return { ...asked, data: { upload } };
  throw new BadInputError('bad-multipart', 'the job names data and a file is sent; leave one of them out');
}

/** Throws BadInputError `bad-parameter`. */
function checked(asked: unknown): JobSpec {
  const found = jobSpec.safeParse(asked);
  if (found.success) return found.data;
  throw badParameter('json', found.error.issues);
}
