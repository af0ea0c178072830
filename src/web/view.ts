/** `<functa-view src model>`: a function shown where it stands, at the resolution of the screen, however far one zooms. */
import type { Opened } from './messages.ts';
import { Plane } from './plane.ts';
import type { Look, Shown } from './shown.ts';
import { Solid } from './solid.ts';
import { Sound } from './sound.ts';
import { viewStyle } from './view-style.ts';
import { ReadingError, sharedReader } from './worker-reader.ts';

/** The element, for scripts. It says `functa-load`, `functa-look` (detail: Look), `functa-drawn` (detail: {milliseconds}) and `functa-fault`. */
export interface FunctaViewElement extends HTMLElement {
  /** Shows a function that sharedReader() has open. */
  show(opened: Opened): void;
  look: Look;
  /** Resolves when what is visible has been drawn sharply. */
  readonly drawn: Promise<void>;
}

/** Defines the element, once. */
export function defineView(): void {
  if (customElements.get('functa-view') !== undefined) return;
  customElements.define('functa-view', viewClass());
}

function viewClass() {
  // made here: where there is no page there is nothing to extend
  return class FunctaView extends HTMLElement implements FunctaViewElement {
    static readonly observedAttributes = ['src', 'model', 'item', 'raw'];
    readonly #root = this.attachShadow({ mode: 'open' });
    #shown: Shown | undefined;
    #own: Opened | undefined;
    #asked = 0;
    #due = false;

    connectedCallback(): void {
      this.#root.adoptedStyleSheets = [viewStyle()];
      this.#load();
    }

    disconnectedCallback(): void {
      this.#asked++;
      this.#clear();
    }

    attributeChangedCallback(): void {
      if (this.isConnected) this.#load();
    }

    get look(): Look {
      return this.#shown?.look ?? { x: 0, y: 0, scale: 1 };
    }

    set look(look: Look) {
      this.#shown?.lookAt(look);
    }

    get drawn(): Promise<void> {
      return this.#shown?.drawn ?? Promise.resolve();
    }

    show(opened: Opened): void {
      this.#asked++;
      this.#show(opened);
    }

    /** Attributes that change together are one change. */
    #load(): void {
      if (this.#due) return;
      this.#due = true;
      queueMicrotask(() => {
        this.#due = false;
        const src = this.getAttribute('src');
        if (src !== null && this.isConnected) void this.#open(new URL(src, document.baseURI).href);
      });
    }

    async #open(file: string): Promise<void> {
      const mine = ++this.#asked;
      this.#say('loading', 'Reading\u2026');
      const model = this.getAttribute('model');
      const item = this.getAttribute('item');
      try {
        const opened = await sharedReader().open({
          file,
          model: model === null ? undefined : new URL(model, document.baseURI).href,
          item: item === null ? undefined : /^\d+$/.test(item) ? Number(item) : item,
        });
        if (mine !== this.#asked) return void sharedReader().close(opened.key);
        this.#show(opened);
        this.#own = opened;
        this.dispatchEvent(new CustomEvent('functa-load', { detail: opened }));
      } catch (error) {
        if (mine === this.#asked) this.#fail(error);
      }
    }

    #show(opened: Opened): void {
      this.#clear();
      const name = this.getAttribute('alt') ?? this.getAttribute('aria-label') ?? `function ${opened.id}`;
      if (opened.shape.length <= 3) {
        const raw = this.hasAttribute('raw');
        const kind = opened.isShape ? Solid : opened.shape.length === 1 ? Sound : Plane;
        this.#shown = new kind(this, this.#root, opened, { name, raw });
        this.#shown.failed = (error) => this.#fail(error);
      } else {
        this.#fail(
          new ReadingError({
            code: 'bad-size',
            message: `a function of ${opened.shape.length} axes is not shown`,
          }),
        );
      }
    }

    #clear(): void {
      this.#shown?.end();
      this.#shown = undefined;
      if (this.#own !== undefined) void sharedReader().close(this.#own.key);
      this.#own = undefined;
      this.#root.replaceChildren();
    }

    #fail(error: unknown): void {
      this.#clear();
      const code = error instanceof ReadingError ? error.code : 'bug';
      this.#say('fault', `This cannot be shown here: ${(error as Error).message}`);
      this.dispatchEvent(
        new CustomEvent('functa-fault', { detail: { code, message: (error as Error).message } }),
      );
    }

    /** A line in place of what is shown; what stands in the element is shown beside a fault. */
    #say(kind: 'loading' | 'fault', text: string): void {
      const line = document.createElement('p');
      line.className = kind;
      line.setAttribute('role', kind === 'fault' ? 'alert' : 'status');
      line.textContent = text;
      this.#root.replaceChildren(line, ...(kind === 'fault' ? [document.createElement('slot')] : []));
    }
  };
}
