/** Server-sent events as they come (HTML Living Standard, section 9.2.6). */

export interface ServerEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** Events of a stream; one that the stream breaks off in is dropped, and comments are passed over. */
export async function* serverEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let [id, type, data] = ['', '', [] as string[]];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      // a CR at the end may be half of a CRLF
      const lines = text.split(/\r\n|\n|\r(?!$)/);
      text = lines.pop()!;
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { id, type: type || 'message', data: data.join('\n') };
          [type, data] = ['', []];
          continue;
        }
        const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
        if (name === 'id') id = value;
        else if (name === 'event') type = value;
        else if (name === 'data') data.push(value);
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
