/** How the element looks: by a style sheet that is no inline style, which strict pages forbid. */
const rules = `
:host { display: block; position: relative; aspect-ratio: var(--functa-ratio, 1); min-height: 3rem; overflow: hidden; color: inherit; font: 0.9rem/1.4 system-ui, sans-serif; }
:host([hidden]) { display: none; }
canvas { display: block; position: absolute; inset: 0; width: 100%; height: 100%; touch-action: none; cursor: grab; }
canvas:active { cursor: grabbing; }
canvas:focus-visible, button:focus-visible, input:focus-visible { outline: 2px solid currentColor; outline-offset: -2px; }
p { margin: 0; padding: 1rem; }
p.loading { opacity: 0.7; }
.bar { position: absolute; inset: auto 0 0 0; display: flex; gap: 0.5rem; align-items: center; padding: 0.4rem 0.6rem; background: color-mix(in srgb, Canvas 80%, transparent); color: CanvasText; }
.bar input { flex: 1; min-width: 0; }
button { font: inherit; padding: 0.2rem 0.8rem; border: 1px solid currentColor; border-radius: 0.3rem; background: transparent; color: inherit; cursor: pointer; }
.sound { display: grid; height: 100%; grid-template-rows: 1fr auto; }
.sound canvas { position: static; cursor: default; min-height: 0; }
.sound .bar { position: static; }
`;

let made: CSSStyleSheet | undefined;

export function viewStyle(): CSSStyleSheet {
  if (made === undefined) {
    made = new CSSStyleSheet();
    made.replaceSync(rules);
  }
  return made;
}
