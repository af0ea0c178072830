/** A part of a file on the disk as the body of an answer. */
import { open } from 'node:fs/promises';
import type { ByteRange } from './ranges.ts';

const pieceBytes = 2 ** 16;

/** The bytes of a part of a file, a piece at a time as they are asked for: who reads slowly holds a piece. */
export async function openPart(path: string, { start, end }: ByteRange): Promise<ReadableStream<Uint8Array>> {
  const file = await open(path, 'r');
  let at = start;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { bytesRead, buffer } = await file.read(new Uint8Array(Math.min(pieceBytes, end - at)), {
          position: at,
        });
        at += bytesRead;
        if (bytesRead > 0) controller.enqueue(buffer.subarray(0, bytesRead));
        if (at < end && bytesRead > 0) return;
        await file.close();
        controller.close();
      } catch (error) {
        await file.close().catch(() => undefined);
        controller.error(error);
      }
    },
    cancel: () => file.close(),
  });
}
