/** Models: putting them, and taking them away, while the service runs. */
import type { z } from '@hono/zod-openapi';
import type { BesideKind } from '../models/store.ts';
import type { modelDetail } from '../schemas.ts';
import { bytesOf, type Call, jsonBody, Transport } from './transport.ts';

export type ModelDetail = z.infer<typeof modelDetail>;
export type { BesideKind };

interface Force {
  /** Also where functasets belong to the network of the model that goes. */
  readonly force?: boolean | undefined;
}

/** Every method throws ProblemError when the server answers with a problem, and what `fetch` throws. */
export class ModelCalls extends Transport {
  /**
   * Serves a model under a name: a file, or what a job learnt.
   *
   * @example
   * const { id, abilities } = await client.putModel('again', modelFile, { onlyNew: true });
   */
  putModel(
    name: string,
    model: Uint8Array | { readonly job: string },
    options: Call & Force & { readonly onlyNew?: boolean | undefined } = {},
  ): Promise<ModelDetail> {
    const { headers, ...init } = bodyOf(model);
    const only = options.onlyNew ? { 'if-none-match': '*' } : {};
    return this.json(pathOf(name), { force: options.force }, options, {
      ...init,
      headers: { ...(headers as Record<string, string>), ...only },
    });
  }

  /**
   * Serves a model no more, and removes its file.
   *
   * @example
   * await client.putModel('brief', modelFile);
   * await client.removeModel('brief');
   */
  async removeModel(name: string, options: Call & Force = {}): Promise<void> {
    await this.call(pathOf(name), { force: options.force }, options, { method: 'DELETE' });
  }

  /**
   * The digest of a model that can be used now; throws ProblemError where it cannot.
   *
   * @example
   * const { id } = await client.modelReady('tiny');
   */
  modelReady(name: string, call: Call = {}): Promise<{ readonly id: string }> {
    return this.json(`${pathOf(name)}/ready`, {}, call);
  }

  /**
   * The file of a model, for a reader of `functa/web`.
   *
   * @example
   * const file = await client.modelFile('tiny');
   */
  async modelFile(name: string, call: Call = {}): Promise<Uint8Array> {
    const headers = { accept: 'application/octet-stream' };
    return bytesOf(await this.call(`${pathOf(name)}/file`, {}, call, { headers }));
  }

  /** Puts a generative prior or a classifier beside a model of one's own. */
  putBesideModel(name: string, kind: BesideKind, bytes: Uint8Array, call: Call = {}): Promise<ModelDetail> {
    return this.json(`${pathOf(name)}/beside/${kind}`, {}, call, bodyOf(bytes));
  }

  /** Removes a generative prior or a classifier. */
  removeBesideModel(name: string, kind: BesideKind, call: Call = {}): Promise<ModelDetail> {
    return this.json(`${pathOf(name)}/beside/${kind}`, {}, call, { method: 'DELETE' });
  }
}

function bodyOf(model: Uint8Array | { readonly job: string }): RequestInit {
  if (!(model instanceof Uint8Array)) return jsonBody('PUT', model);
  const headers = { 'content-type': 'application/octet-stream' };
  return { method: 'PUT', body: model as Uint8Array<ArrayBuffer>, headers };
}

function pathOf(name: string): string {
  return `/v1/models/${encodeURIComponent(name)}`;
}
