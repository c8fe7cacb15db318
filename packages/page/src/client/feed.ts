/**
 * The stream of events; where there is none to be had, the same asked for again and again. Whoever shows it hears when nothing
 * has come for longer than anything should take.
 */

/** Who hears what is told. */
export interface Heard {
  onCluster(json: unknown): void;
  onStories(json: unknown): void;
  /** Nothing has come for some seconds. */
  onLost(): void;
}

/** Longer than the agent waits between two events, and for its peers. */
const LOST_AFTER_MS = 5_000;
/** After a stream that was refused. */
const AGAIN_MS = 3_000;
const ASK_TIMEOUT_MS = 4_000;

/** Follow the cluster for as long as the page is open. */
export function follow(heard: Heard): void {
  let lost: ReturnType<typeof setTimeout> | undefined;
  const alive = (): void => {
    clearTimeout(lost);
    lost = setTimeout(() => heard.onLost(), LOST_AFTER_MS);
  };
  const onCluster = (json: unknown): void => {
    alive();
    heard.onCluster(json);
  };
  const open = (): void => {
    const source = new EventSource('v1/events?of=cluster');
    source.addEventListener('cluster', ({ data }) => onCluster(JSON.parse(data)));
    source.addEventListener('stories', ({ data }) => heard.onStories(JSON.parse(data)));
    source.addEventListener('error', () => {
      // A stream that broke is opened again by the browser itself; one that was refused is not.
      if (source.readyState !== EventSource.CLOSED) return;
      source.close();
      void ask().then((json) => {
        if (json !== null) {
          onCluster(json);
          heard.onStories(Object(json).stories);
        }
        setTimeout(open, AGAIN_MS);
      });
    });
  };
  alive();
  open();
}

/** Null: no answer. */
async function ask(): Promise<unknown> {
  try {
    const response = await fetch('v1/cluster', {
      cache: 'no-store',
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
