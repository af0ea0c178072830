/** Studio: the pages of the service, for people. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { CompletePage } from './pages/complete.tsx';
import { EncodePage } from './pages/encode.tsx';
import { FunctasetsPage } from './pages/functasets.tsx';
import { JobsPage } from './pages/jobs.tsx';
import { ModelsPage } from './pages/models.tsx';
import { SamplePage } from './pages/sample.tsx';
import { ZoomPage } from './pages/zoom.tsx';
import './style.css';

const pages = [
  ['encode', 'Encode', EncodePage],
  ['zoom', 'Zoom', ZoomPage],
  ['functasets', 'Functasets', FunctasetsPage],
  ['sample', 'Sample', SamplePage],
  ['complete', 'Complete', CompletePage],
  ['jobs', 'Jobs', JobsPage],
  ['models', 'Models', ModelsPage],
] as const;

const here = () => location.hash.replace(/^#\/?/, '').split('/')[0] || 'encode';

function Studio() {
  const [name, setName] = useState(here);
  useEffect(() => {
    const turn = () => {
      setName(here());
      document.getElementById('content')?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener('hashchange', turn);
    return () => removeEventListener('hashchange', turn);
  }, []);
  const [, title, Shown] = pages.find(([own]) => own === name) ?? pages[0];
  useEffect(() => {
    document.title = `${title} · functa Studio`;
  }, [title]);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('content')?.focus()}>
        Skip to content
      </button>
      <nav aria-label="Pages">
        <a class="name" href="#/encode">
          functa
        </a>
        <ul>
          {pages.map(([own, text]) => (
            <li key={own}>
              <a href={`#/${own}`} aria-current={own === name ? 'page' : undefined}>
                {text}
              </a>
            </li>
          ))}
        </ul>
        <a class="docs" href="/docs">
          HTTP interface
        </a>
      </nav>
      <Shown />
    </>
  );
}

const app = document.getElementById('app')!;
app.replaceChildren();
render(<Studio />, app);
