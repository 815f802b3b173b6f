import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { RunConfig } from '@berth/contracts';
import { api } from '../api/client.ts';
import { defaultsOf, flatten, type ConfigEntry } from '../config-diff.ts';

const defaults = signal<ReadonlyMap<string, unknown> | null>(null);

/** A run's config: what differs from the defaults, or all of it. */
export function ConfigView({ config }: { config: RunConfig }): JSX.Element {
  const isAll = useSignal(false);
  useEffect(() => {
    if (defaults.value !== null) return;
    api.configSchema().then(
      (schema) => (defaults.value = defaultsOf(schema)),
      // Without them every entry counts as changed.
      () => (defaults.value = new Map()),
    );
  }, []);
  const entries = flatten(config, defaults.value ?? new Map());
  const shown = isAll.value ? entries : entries.filter((entry) => entry.isChanged);
  return (
    <section class="card">
      <header class="card-head">
        <h2>Config</h2>
        <div class="segments small" role="group" aria-label="Entries">
          <button type="button" aria-pressed={!isAll.value} onClick={() => (isAll.value = false)}>
            Changed
          </button>
          <button type="button" aria-pressed={isAll.value} onClick={() => (isAll.value = true)}>
            All {entries.length}
          </button>
        </div>
      </header>
      <dl class="config">
        {shown.map((entry) => (
          <Entry key={entry.path} entry={entry} />
        ))}
      </dl>
    </section>
  );
}

function say(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function Entry({ entry }: { entry: ConfigEntry }): JSX.Element {
  return (
    <div class={entry.isChanged ? 'changed' : ''}>
      <dt>{entry.path}</dt>
      <dd>
        {say(entry.value)}
        {entry.isChanged && entry.default !== undefined && (
          <span class="muted"> default {say(entry.default)}</span>
        )}
      </dd>
    </div>
  );
}
