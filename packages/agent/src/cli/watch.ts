/** A view that is shown again and again: on a terminal in its place, under a clock, without scrolling. */
import type { DurationMs, WallMs } from '@failtome/protocol';
import type { ClusterResult, ToldCluster } from './cluster-read.ts';
import { type CliDependencies, print } from './dependencies.ts';
import { age, clean, type Look, lookOf, moment } from './text.ts';

/** The other screen, which leaves what was on the terminal as it was, and no cursor (xterm's private modes 1049 and 25). */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** To the top (CUP); to the end of the line, and of the screen, clear (EL, ED: ECMA-48). */
const TOP = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

type Draw = (cluster: ToldCluster, look: Look) => readonly string[];

/** The terminal while a watch runs. */
export class Watch {
  readonly #everyMs: DurationMs;
  readonly #dependencies: CliDependencies;
  #entered = false;
  #last: { readonly cluster: ToldCluster; readonly at: WallMs } | null = null;

  constructor({ everyMs }: { readonly everyMs: DurationMs }, dependencies: CliDependencies) {
    this.#everyMs = everyMs;
    this.#dependencies = dependencies;
  }

  show(result: ClusterResult, draw: Draw): void {
    const now = this.#dependencies.now();
    if (result.kind === 'read') this.#last = { cluster: result.cluster, at: now };
    const look = lookOf(this.#dependencies);
    const body = this.#last === null ? [] : draw(this.#last.cluster, look);
    const lines = [...this.#heading(result, now, look), '', ...body];
    if (this.#dependencies.stdout.isTTY) this.#draw(lines, look);
    else print(this.#dependencies, ...lines, '');
  }

  close(): void {
    if (this.#entered) this.#dependencies.stdout.write(LEAVE);
    this.#entered = false;
  }

  #heading(result: ClusterResult, now: WallMs, { paint }: Look): readonly string[] {
    const every = this.#everyMs === 1_000 ? 'second' : age(this.#everyMs);
    const clock = paint(`${moment(now)}, every ${every}`, 'faint');
    if (result.kind === 'read') return [clock];
    const shown = this.#last === null ? '' : `; what follows is ${age(now - this.#last.at)} old`;
    return [clock, paint(clean(`${result.detail}${shown}`), 'bad')];
  }

  #draw(lines: readonly string[], { paint }: Look): void {
    const { stdout } = this.#dependencies;
    const height = stdout.rows ?? lines.length + 1;
    const hidden = lines.length - (height - 1);
    const fitting =
      hidden <= 0
        ? lines
        : [
            ...lines.slice(0, height - 2),
            paint(`${hidden + 1} more lines: a taller window shows them`, 'faint'),
          ];
    const frame = fitting.map((line) => `${line}${CLEAR_LINE}\n`).join('');
    stdout.write(`${this.#entered ? '' : ENTER}${TOP}${frame}${CLEAR_BELOW}`);
    this.#entered = true;
  }
}
