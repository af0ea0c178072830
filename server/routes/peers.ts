/** What other codecs make of a picture, to look at beside a function of as many bytes. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { pictures } from '../../src/formats/image-formats.ts';
import { mediaTypes } from '../../src/formats/media-types.ts';
import { peerNames } from '../../src/jobs/peer-names.ts';
import { needs } from '../access/access.ts';
import { keyOfBody } from '../answers.ts';
import { askerOf } from '../asker.ts';
import { readBody } from '../body.ts';
import type { ServerContext } from '../context.ts';
import { checkContentType } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { answerReply } from '../reply.ts';
import { answerHeader, binaryContent, problems } from '../schemas.ts';
import { ask } from '../work/ask.ts';
import { peerClass } from '../work/cost.ts';

const pictureTypes: readonly string[] = pictures.map(({ mediaType }) => mediaType);

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
        'functa-bytes': answerHeader('Bytes of the file.'),
        'functa-psnr-db': answerHeader('PSNR in dB against what was sent; Infinity when equal.'),
        'functa-quality': answerHeader("Of the codec's own scale."),
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
      const kind = await peerClass(bytes, declared, context.limits);
      return ask(context, 'peer', { bytes, name, most }, { class: kind, ...askerOf(c) });
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
