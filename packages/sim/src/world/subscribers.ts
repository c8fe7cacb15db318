/** Those who want to be told of something, in the order in which they came. */
export class Subscribers<E> {
  readonly #subscribers: ((event: E) => void)[] = [];
  /** Tells them all. Null as long as there is none, so that `emit?.(…)` doesn't even make the event then. */
  emit: ((event: E) => void) | null = null;

  /** For good: a world and those who watch it end together. */
  subscribe(subscriber: (event: E) => void): void {
    this.#subscribers.push(subscriber);
    this.emit ??= (event) => {
      for (const each of this.#subscribers) each(event);
    };
  }
}
