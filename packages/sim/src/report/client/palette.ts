/** The style sheet's colours, for the canvases. */
import { MESSAGE_KINDS, type MessageKind } from '../../record/records.ts';

const OWN = [
  'ink',
  'faint',
  'line',
  'card',
  'lane',
  'accent',
  'bad',
  'good',
  'up',
  'down',
  'unknown',
  'alive',
  'paused',
  'frozen',
  'off',
  'crashed',
  'stage',
  'stage-line',
  'lent',
  'borrowed',
  'fault',
  'fault-line',
  'shade',
  'mark',
] as const;

/** The names of colours in the page's style. */
export type Colour = (typeof OWN)[number] | MessageKind;

const NAMES: readonly Colour[] = [...OWN, ...MESSAGE_KINDS];

/** The colours of the present scheme, light or dark. */
export interface Palette {
  readonly of: (name: Colour) => string;
  /** One for each node, the same everywhere. */
  readonly node: (index: number) => string;
  /** Slanted lines: nobody, nothing. */
  readonly hatch: (context: CanvasRenderingContext2D) => CanvasPattern | string;
}

const NODE_COLOURS = 7;

/** Read them anew: they differ in the light and in the dark. */
export function paletteOf(root: Element): Palette {
  const style = getComputedStyle(root);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const colours = new Map<string, string>(NAMES.map((name) => [name, read(name)]));
  const nodes = Array.from({ length: NODE_COLOURS }, (_, index) => read(`n${index}`));
  const of = (name: Colour): string => colours.get(name) ?? '#888';
  let hatch: CanvasPattern | string | null = null;
  return {
    of,
    node: (index) => (index < 0 ? of('off') : (nodes[index % NODE_COLOURS] ?? of('off'))),
    hatch(context) {
      hatch ??= hatched(context, of('lane'), of('bad')) ?? of('lane');
      return hatch;
    },
  };
}

function hatched(context: CanvasRenderingContext2D, back: string, line: string): CanvasPattern | null {
  const tile = document.createElement('canvas');
  [tile.width, tile.height] = [8, 8];
  const paint = tile.getContext('2d');
  if (paint === null) return null;
  paint.fillStyle = back;
  paint.fillRect(0, 0, 8, 8);
  paint.strokeStyle = line;
  paint.lineWidth = 1.2;
  paint.beginPath();
  for (const shift of [-4, 0, 4, 8]) {
    paint.moveTo(shift, 8);
    paint.lineTo(shift + 8, 0);
  }
  paint.stroke();
  return context.createPattern(tile, 'repeat');
}
