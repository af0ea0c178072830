/**
 * Labels, and when two are the same: when they print the same. `7` asked for as a number or as a text is the label 7, whether it
 * was put as a number or as a text; `007` and `1e3` are texts, and neither 7 nor 1000.
 */
export type Label = string | number;

/** A label as it is kept: there is one zero. */
export function plainLabel(label: Label): Label {
  return label === 0 ? 0 : label;
}

/** The text by which a label is known: that of a number is the shortest one that reads back as it, as JSON writes it. */
export function labelText(label: Label): string {
  return String(plainLabel(label));
}

/** The labels that print as this one does: a text, and a number where one has that text. */
export function labelForms(label: Label): readonly Label[] {
  const text = labelText(label);
  const number = Number(text);
  return Number.isFinite(number) && labelText(number) === text ? [number, text] : [text];
}
