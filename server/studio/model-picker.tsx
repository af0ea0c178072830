/** Which of the models that can do something does it. */
import type { ModelSummary } from 'functa/client';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { client } from './service.ts';
import { Progress, Select, useLoaded } from './ui.tsx';

export interface PickedModel {
  /** Undefined until models are known, and where none is able. */
  readonly model: ModelSummary | undefined;
  /** The control. */
  readonly select: ComponentChildren;
  /** That models are being asked for, or why none is there. */
  readonly state: ComponentChildren;
}

/** One of the models that are `able`: at first one with classes, which says most. `none`: said where there is no such model. */
export function useModel(able: (model: ModelSummary) => boolean, none: string): PickedModel {
  const models = useLoaded((signal) => client.models({ signal }), []);
  const [name, setName] = useState('');
  const fit = (models.value ?? []).filter(able);
  const model = fit.find((one) => one.name === name) ?? fit.find((one) => one.classifier !== null) ?? fit[0];
  return {
    model,
    select: (
      <Select
        label="Model"
        value={model?.name ?? ''}
        onChange={setName}
        options={fit.map((one) => [one.name, one.name] as const)}
      />
    ),
    state: (
      <>
        <Progress task={models} doing="Reading" />
        {models.value !== undefined && fit.length === 0 && <p class="empty">{none}</p>}
      </>
    ),
  };
}
