import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { IconButton } from './components/button.tsx';
import { ClusterHealth } from './components/cluster-health.tsx';
import { Mark } from './components/icon.tsx';
import { StaleBanner, StreamLight } from './components/stream-light.tsx';
import { ToastList } from './components/toast-list.tsx';
import { TokenDialog } from './components/token-dialog.tsx';
import { GridPage } from './grids/grid-page.tsx';
import { QueuesPage } from './pages/queues-page.tsx';
import { RunPage } from './pages/run-page.tsx';
import { RunsPage } from './pages/runs-page.tsx';
import { UnknownPage } from './pages/unknown-page.tsx';
import { route } from './router.ts';
import { cluster } from './state/live.ts';
import { theme, toggleTheme } from './state/theme.ts';

/** The frame around every page. */
export function App(): JSX.Element {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== '/' || isTyping(event.target)) return;
      const filter = document.querySelector<HTMLInputElement>('[data-filter]');
      if (filter === null) return;
      event.preventDefault();
      filter.focus();
      filter.select();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const { page } = route.value;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => skip(event)}>
        Skip to the page
      </a>
      <header class="top">
        <div class="top-inner">
          <a class="brand" href="/">
            <Mark />
            <span>berth</span>
          </a>
          <nav aria-label="Pages">
            <a href="/" aria-current={page === 'queues' || page === 'unknown' ? undefined : 'page'}>
              Runs
            </a>
            <a href="/queues" aria-current={page === 'queues' ? 'page' : undefined}>
              Queues
            </a>
          </nav>
          <div class="top-end">
            <ClusterHealth />
            <StreamLight />
            <IconButton
              icon={theme.value === 'dark' ? 'sun' : 'moon'}
              label={theme.value === 'dark' ? 'Switch to light' : 'Switch to dark'}
              onClick={toggleTheme}
            />
          </div>
        </div>
      </header>
      <StaleBanner />
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
      <Foot />
      <TokenDialog />
      <ToastList />
    </>
  );
}

/** Which release answers, for whoever asks or reports. */
function Foot(): JSX.Element | null {
  const report = cluster.value;
  if (report === null) return null;
  const { version, build, coordinatorId, isLeader } = report;
  const commit = build.commit === null ? '' : ` (${build.commit.slice(0, 12)})`;
  return (
    <footer class="foot">
      berth {version}
      {commit} · Node {build.node}
      {build.tensorflow !== null && ` · ${build.tensorflow}`} · {coordinatorId}
      {isLeader ? '' : ', standing by'}
    </footer>
  );
}

function Page(): JSX.Element {
  const at = route.value;
  switch (at.page) {
    case 'runs':
      return <RunsPage />;
    case 'run':
      return <RunPage key={at.runId} tab={at.tab} runId={at.runId} />;
    case 'grid':
      return <GridPage key={at.name} name={at.name} />;
    case 'queues':
      return <QueuesPage />;
    case 'unknown':
      return <UnknownPage />;
  }
}

function skip(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
  document.getElementById('main')?.focus();
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  );
}
