import { timeOfDay } from '@failtome/cloud';
import { counted } from '@failtome/protocol';

/** Takes what the demo says. */
export type Write = (text: string) => void;

const styles = { bold: 1, dim: 2, red: 31, green: 32 } as const;
const marks = {
  passed: ['✓', 'green'],
  closed: ['✗', 'red'],
  'under way': ['…', 'dim'],
  'not-asked': ['·', 'dim'],
} as const;

/** What the demo prints: plain lines, with colours only where they are wanted. */
export class DemoOutput {
  readonly #colour: boolean;
  readonly #write: Write;
  readonly #startedAt = performance.now();
  #step = 0;
  #seen = 0;

  constructor({ colour }: { readonly colour: boolean }, { write }: { readonly write: Write }) {
    this.#colour = colour;
    this.#write = write;
  }

  title(text: string): void {
    this.#line(this.#styled('bold', text));
  }

  /** A named value. */
  fact(name: string, text: string): void {
    this.#line(`  ${this.#styled('dim', name.padEnd(9))} ${text}`);
  }

  /** What the next lines are about. */
  heading(text: string): void {
    this.#step += 1;
    this.#line('');
    this.#line(`${this.#styled('bold', `${this.#step}. ${text}`)}  ${this.#styled('dim', this.#elapsed())}`);
  }

  /** Something that was to be seen, and was. */
  seen(text: string): void {
    this.#seen += 1;
    this.#line(`  ${this.#styled('green', '✓')} ${text}`);
  }

  /** What is going on meanwhile. */
  note(text: string): void {
    this.#line(`    ${text.replaceAll('\n', '\n    ')}`);
  }

  /** A moment: so many milliseconds after something began. */
  moment(afterMs: number, who: string, text: string): void {
    const when = `${afterMs < 0 ? '' : '+'}${afterMs} ms`.padStart(10);
    this.#line(`  ${this.#styled('dim', when)}  ${who.padEnd(8)} ${text}`);
  }

  /** Something that happened just now, with the time of day in UTC. */
  told(atMs: number, who: string, text: string): void {
    const when = timeOfDay(atMs);
    this.#line(`  ${this.#styled('dim', when)}  ${who.padEnd(8)} ${text}`);
  }

  /** One gate of the takeover rule. */
  gate(state: keyof typeof marks, name: string, text: string): void {
    const [mark, style] = marks[state];
    this.#line(`      ${this.#styled(style, mark)} ${name.padEnd(16)} ${this.#styled('dim', text)}`);
  }

  failed(text: string): void {
    this.#line(`  ${this.#styled('red', '✗')} ${text}`);
  }

  end(): void {
    this.#line('');
    this.#line(
      this.#styled('bold', `all ${counted(this.#seen, 'check')} as they should be, ${this.#elapsed()}`),
    );
  }

  #elapsed(): string {
    return `${((performance.now() - this.#startedAt) / 1_000).toFixed(1)} s`;
  }

  #line(text: string): void {
    this.#write(`${text}\n`);
  }

  #styled(style: keyof typeof styles, text: string): string {
    return this.#colour ? `\u001b[${styles[style]}m${text}\u001b[0m` : text;
  }
}
