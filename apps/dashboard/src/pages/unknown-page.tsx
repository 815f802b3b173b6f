import type { JSX } from 'preact';
import { EmptyState } from '../components/parts.tsx';

export function UnknownPage(): JSX.Element {
  return (
    <div class="page">
      <EmptyState icon="search" title="There is no such page">
        <p>
          <a href="/">See all runs</a>
        </p>
      </EmptyState>
    </div>
  );
}
