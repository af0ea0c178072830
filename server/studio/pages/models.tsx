/** The models that are served: what each takes, what it reached, and how it was learnt. */
import type { ModelDetail } from 'functa/client';
import { RatePlot } from '../rate-plot.tsx';
import { client } from '../service.ts';
import { bytesText, Facts, Page, Progress, shapeText, useLoaded } from '../ui.tsx';

export function ModelsPage() {
  const task = useLoaded(
    async (signal) =>
      Promise.all((await client.models({ signal })).map(({ name }) => client.model(name, { signal }))),
    [],
  );
  return (
    <Page
      title="Models"
      lead="A model is a network that a family of signals shares, and the priors over what makes it one of them."
    >
      <Progress task={task} doing="Reading" />
      {task.value?.length === 0 && <p class="empty">No model is served here.</p>}
      {task.value?.map((model) => (
        <Card key={model.name} model={model} />
      ))}
    </Page>
  );
}

function Card({ model }: { model: ModelDetail }) {
  const figures = numbers(model.figures);
  const spec = model.spec as {
    readonly width?: number;
    readonly layers?: number;
    readonly levels?: readonly unknown[];
  };
  return (
    <article class="card">
      <h2>{model.name}</h2>
      {model.notes !== '' && <p>{model.notes}</p>}
      <Facts
        of={[
          ['Family', model.family],
          ['Signals', model.anySize ? 'any size' : shapeText(model.shape)],
          ['File', bytesText(model.fileBytes)],
          ['Network', `${spec.layers} layers of ${spec.width}`],
          ['Levels', spec.levels?.length ?? 0],
          ['Licence', model.licence],
        ]}
      />
      <ul class="tags" aria-label="Priors">
        {model.priors.map(({ name, can }) => (
          <li key={name}>
            <b>{name}</b> {can.map((what) => does[what]).join(', ')}
          </li>
        ))}
        {model.classifier !== null && (
          <li>
            <b>classifier</b> {model.classifier.labels.length} labels
          </li>
        )}
      </ul>
      <RatePlot figures={model.figures} />
      {figures.length > 0 && (
        <details>
          <summary>Figures and training</summary>
          <dl class="pairs">
            {[...figures, ...numbers(model.training)].map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </article>
  );
}

const does = { code: 'codes', sample: 'samples', complete: 'completes', score: 'scores' } as const;

function numbers(of: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(of).flatMap(([name, value]) =>
    typeof value === 'number'
      ? [[name, String(Number(value.toPrecision(5)))]]
      : typeof value === 'string'
        ? [[name, value]]
        : [],
  );
}
