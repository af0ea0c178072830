/**
 * Draco (npm `draco3d`) as a coder of the surface of a shape: the mesh that marching cubes find at the samples of its distance. The package is
 * no dependency: it is looked for under the directory of the tools.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Mesh } from '../../src/formats/mesh.ts';
import type { Contender } from './contender.ts';
import { meshOf } from './shape-mesh.ts';

/** Members of the package's modules that are used here; it has no types. */
// biome-ignore lint/suspicious/noExplicitAny: a module of WebAssembly without types
type Untyped = any;

/** Undefined where the package is not under `root`/node_modules. */
export async function dracoUnder(root: string | undefined): Promise<Contender | undefined> {
  if (root === undefined) return undefined;
  let draco: Untyped;
  try {
    draco = createRequire(join(root, 'package.json'))('draco3d');
  } catch {
    return undefined;
  }
  const encoders: Untyped = await draco.createEncoderModule({});
  const decoders: Untyped = await draco.createDecoderModule({});
  return {
    name: 'Draco',
    note: 'draco3d, edgebreaker, speed 0, bits of a coordinate; of the surface at the samples',
    settings: [3, 4, 5, 6, 7, 8],
    async code(signal, bits) {
      const bytes = encode(encoders, await meshOf(signal, signal.values), bits);
      return { bytes: bytes.length, values: signal.values, mesh: decode(decoders, bytes) };
    },
  };
}

function encode(module: Untyped, { vertices, triangles }: Mesh, bits: number): Int8Array {
  const [encoder, builder, mesh, out] = [
    new module.Encoder(),
    new module.MeshBuilder(),
    new module.Mesh(),
    new module.DracoInt8Array(),
  ];
  builder.AddFacesToMesh(mesh, triangles.length / 3, triangles);
  builder.AddFloatAttributeToMesh(mesh, module.POSITION, vertices.length / 3, 3, Float32Array.from(vertices));
  encoder.SetSpeedOptions(0, 0);
  encoder.SetAttributeQuantization(module.POSITION, bits);
  encoder.SetEncodingMethod(module.MESH_EDGEBREAKER_ENCODING);
  const length = encoder.EncodeMeshToDracoBuffer(mesh, out);
  const bytes = Int8Array.from({ length }, (_, i) => out.GetValue(i));
  for (const held of [mesh, out, builder, encoder]) module.destroy(held);
  return bytes;
}

function decode(module: Untyped, bytes: Int8Array): Mesh {
  const [decoder, buffer, mesh] = [new module.Decoder(), new module.DecoderBuffer(), new module.Mesh()];
  buffer.Init(bytes, bytes.length);
  decoder.DecodeBufferToMesh(buffer, mesh);
  const [floats, corners] = [new module.DracoFloat32Array(), new module.DracoInt32Array()];
  const positions = decoder.GetAttribute(mesh, decoder.GetAttributeId(mesh, module.POSITION));
  decoder.GetAttributeFloatForAllPoints(mesh, positions, floats);
  const vertices = Float64Array.from({ length: 3 * mesh.num_points() }, (_, i) => floats.GetValue(i));
  const triangles = new Uint32Array(3 * mesh.num_faces());
  for (let face = 0; face < mesh.num_faces(); face++) {
    decoder.GetFaceFromMesh(mesh, face, corners);
    for (let k = 0; k < 3; k++) triangles[3 * face + k] = corners.GetValue(k);
  }
  for (const held of [mesh, buffer, floats, corners, decoder]) module.destroy(held);
  return { vertices, triangles };
}
