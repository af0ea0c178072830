/** A function between its samples, beside the curve that bicubic interpolation lays through them. */
import type { Look, Opened } from 'functa/web';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { carried, client, openFunction } from '../service.ts';
import { Figure, Page, Progress, shapeText, useTask, View } from '../ui.tsx';

export function ZoomPage() {
  const task = useTask<{ readonly opened: Opened; readonly title: string }>();
  const [left, setLeft] = useState<Look>();
  const [right, setRight] = useState<Look>();
  const onLeft = useCallback((look: Look) => setRight(look), []);
  const onRight = useCallback((look: Look) => setLeft(look), []);
  useEffect(() => {
    void task.run(async (signal) => {
      const { file, model, title } = carried.function ?? (await firstOfAll(signal));
      return { opened: await openFunction(file, model), title };
    });
  }, []);
  const { value } = task;
  const isSurface = value?.opened.isShape === true;
  const isCurve = value?.opened.shape.length === 1;
  return (
    <Page
      title="Zoom"
      lead="A function has no samples of its own: what you look at is evaluated where you look. On the left the field itself, on the right bicubic interpolation of its samples."
    >
      <Progress task={task} doing="Reading" />
      {value !== undefined && (
        <>
          <section class={`beside ${isSurface || isCurve ? '' : 'two'}`}>
            <Figure
              title="The function"
              note={
                isSurface
                  ? 'the surface where it is 0'
                  : isCurve
                    ? `${value.opened.shape[0]} samples`
                    : 'evaluated at every point of the screen'
              }
            >
              <View
                opened={value.opened}
                alt={`${value.title}: the function`}
                raw
                look={left}
                onLook={onLeft}
              />
            </Figure>
            {!isSurface && !isCurve && (
              <Figure title="Bicubic" note={`through ${shapeText(value.opened.shape)} samples`}>
                <View opened={value.opened} alt={`${value.title}: bicubic`} look={right} onLook={onRight} />
              </Figure>
            )}
          </section>
          <p class="note">
            {value.title}.{' '}
            {isCurve ? (
              'A curve is shown whole; what has a time is played.'
            ) : (
              <>
                Wheel or pinch zooms, dragging {isSurface ? 'turns' : 'moves'}; with the keyboard:{' '}
                <kbd>+</kbd> <kbd>−</kbd>, arrows, and <kbd>0</kbd> for all of it.
              </>
            )}
          </p>
        </>
      )}
    </Page>
  );
}

async function firstOfAll(signal: AbortSignal) {
  for (const { name, model } of await client.functasets({ signal })) {
    if (model === null) continue;
    for await (const { id } of client.functions(name, { signal, limit: 1 }))
      return {
        file: await client.function(name, id, { signal, format: 'functa' }),
        model,
        title: `${name}, ${id}`,
      };
  }
  throw new Error('there is no function to look at; encode one first');
}
