/** What other codecs make of a picture, to look at beside a function of as many bytes. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { pictures } from '../../src/formats/image-formats.ts';
import { mediaTypes } from '../../src/formats/media-types.ts';
import { readSignalShape } from '../../src/formats/read.ts';
import { peerNames } from '../../src/jobs/peer-names.ts';
import { needs } from '../access/access.ts';
import { keyOfBody } from '../answers.ts';
import { askerOf } from '../asker.ts';
import { readBody } from '../body.ts';
import type { ServerContext } from '../context.ts';
import { checkContentType } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { answerReply } from '../reply.ts';
import { binaryContent, problems } from '../schemas.ts';
import { ask } from '../work/ask.ts';

const pictureTypes: readonly string[] = pictures.map(({ mediaType }) => mediaType);
/** Of a picture that is small work. */
const smallSamples = 2 ** 12;

const peerRoute = createRoute({
  method: 'post',
  path: '/v1/peers/{peer}',
  operationId: 'encodeByPeer',
  tags: ['coding'],
  security: needs('read'),
  summary: 'What another codec makes of a picture within so many bytes',
  request: {
    params: z.object({
      peer: z.enum(peerNames).openapi({
        param: { name: 'peer', in: 'path' },
        description: 'The codec, at its slowest and tuned for PSNR where it can be.',
        example: 'avif',
      }),
    }),
    query: z.object({
      bytes: z.coerce
        .number()
        .int()
        .min(1)
        .max(2 ** 31)
        .openapi({ description: 'The most that its file may have.', example: 400 }),
    }),
    body: { required: true, content: binaryContent(...pictureTypes) },
  },
  responses: {
    200: {
      description:
        'The file of highest PSNR within the bytes; where there is none, the smallest that it makes.',
      content: binaryContent(...peerNames.map((name) => mediaTypes[name])),
      headers: {
        'functa-bytes': { description: 'Bytes of the file.', schema: { type: 'string' } },
        'functa-psnr-db': {
          description: 'PSNR in dB against what was sent; Infinity when equal.',
          schema: { type: 'string' },
        },
        'functa-quality': { description: "Of the codec's own scale.", schema: { type: 'string' } },
      },
    },
    ...problems(400, 413, 415, 422, 503),
  },
});

export function peerRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(peerRoute, async (c) => {
    const { peer: name } = c.req.valid('param');
    const { bytes: most } = c.req.valid('query');
    const declared = checkContentType(c.req.header('content-type'), pictureTypes);
    const bytes = await readBody(c, context.maxBodyBytes);
    const answer = await context.answers.of(keyOfBody(bytes, undefined, ['peer', name, most]), async () => {
      const wanted = { axes: 2, outputs: 'any', limits: context.limits } as const;
      const shape = await readSignalShape(bytes, { ...wanted, told: declared }).catch(() => [0]);
      const isSmall = shape.reduce((product, n) => product * n, 1) <= smallSamples;
      const input = { bytes, name, most };
      return ask(context, 'peer', input, { class: isSmall ? 'small' : 'large', ...askerOf(c) });
    });
    const { quality, psnrDb } = answer.head;
    return answerReply(answer, {
      'content-type': mediaTypes[name],
      'functa-bytes': String(answer.bytes.length),
      'functa-psnr-db': String(Math.round(psnrDb * 100) / 100),
      'functa-quality': String(quality),
    }) as never;
  });
}
