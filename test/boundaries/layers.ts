/**
 * Which part of the sources may import which: one row a part, its own files apart. What isn't in its row is refused.
 */

/** A part of the sources, and all that it may import from outside itself. */
export interface Layer {
  /** A folder, or a single file; a file belongs to the longest that names it. */
  readonly folder: string;
  /** Other parts of the same package, which are imported by their path. */
  readonly parts?: readonly string[];
  /** Packages by name: of the workspace, or libraries (with all that is exported under their name). */
  readonly packages?: readonly string[];
  /** Whether Node's own modules may be used: what computes in virtual time, or on no time at all, has no I/O. */
  readonly node?: true;
}

const PROTOCOL = '@failtome/protocol';
const CONFIG = '@failtome/config';
const KEYS = '@failtome/config/keys';
const PORTS = '@failtome/ports';
const RECORDING = '@failtome/recording';
const MODEL = '@failtome/cloud/model';
const SIM = 'packages/sim/src';

const P = 'packages/protocol/src';

/** The floors of the protocol, lowest first: each imports from itself and from those below (PROTOCOL.md, "The shape"). */
const PROTOCOL_FLOORS: readonly (readonly string[])[] = [
  // The words: state, messages, the document on the disk. They decide nothing.
  [
    `${P}/copy.ts`,
    `${P}/neighbours.ts`,
    `${P}/text-hash.ts`,
    `${P}/model`,
    `${P}/wire`,
    `${P}/storage/durable.ts`,
    `${P}/move/phases.ts`,
    `${P}/takeover/episode-state.ts`,
  ],
  // What a step is made with.
  [
    `${P}/step-context.ts`,
    `${P}/reporting/facts.ts`,
    `${P}/reporting/wording.ts`,
    `${P}/reporting/plain-text.ts`,
  ],
  // The rules, by what they are about. They know each other, file by file and never in a ring.
  [
    `${P}/observation`,
    `${P}/membership`,
    `${P}/election`,
    `${P}/takeover`,
    `${P}/move`,
    `${P}/orders`,
    `${P}/reporting`,
  ],
  // What drives them.
  [P, `${P}/storage`],
];

/** Lower layers first. */
export const LAYERS: readonly Layer[] = [
  ...PROTOCOL_FLOORS.flatMap((floor, index) =>
    floor.map((folder) => ({ folder, parts: PROTOCOL_FLOORS.slice(0, index + 1).flat() })),
  ),
  { folder: 'packages/config/src', packages: [PROTOCOL, 'yaml'] },
  { folder: 'packages/ports/src', packages: [PROTOCOL] },
  { folder: 'packages/recording/src', packages: [PROTOCOL, 'modern-tar'], node: true },
  { folder: 'packages/page/src', packages: [PROTOCOL, 'preact', 'preact-render-to-string'] },
  {
    folder: 'packages/page/src/client',
    parts: ['packages/page/src'],
    packages: ['preact'],
  },
  {
    folder: 'packages/agent/src',
    packages: [
      PROTOCOL,
      CONFIG,
      KEYS,
      '@failtome/page',
      '@failtome/page/fields',
      PORTS,
      RECORDING,
      '@aws-sdk',
      'commander',
      'fastify',
      'p-retry',
      'pino',
      'prom-client',
      'typebox',
      'yaml',
    ],
    node: true,
  },
  { folder: 'packages/cloud/src/model' },
  { folder: 'packages/cloud/src/embedded', parts: ['packages/cloud/src/model'], node: true },
  { folder: 'packages/cluster/src', packages: [PROTOCOL, '@failtome/cloud', MODEL, 'yaml'], node: true },
  {
    folder: 'packages/cluster/src/demo',
    parts: ['packages/cluster/src'],
    packages: [PROTOCOL, '@failtome/cloud'],
    node: true,
  },
  { folder: `${SIM}/invariants`, packages: [PROTOCOL, MODEL] },
  { folder: `${SIM}/world`, parts: [`${SIM}/invariants`], packages: [PROTOCOL, KEYS, MODEL, PORTS] },
  { folder: `${SIM}/plan`, parts: [`${SIM}/world`], packages: [PROTOCOL, MODEL] },
  { folder: `${SIM}/shrink`, parts: [`${SIM}/world`, `${SIM}/plan`], packages: [PROTOCOL] },
  {
    folder: `${SIM}/explore`,
    parts: [`${SIM}/invariants`, `${SIM}/world`],
    packages: [PROTOCOL, MODEL, PORTS],
  },
  { folder: `${SIM}/coverage`, parts: [`${SIM}/world`, `${SIM}/plan`], packages: [PROTOCOL, MODEL] },
  {
    folder: `${SIM}/swarm`,
    parts: [`${SIM}/world`, `${SIM}/plan`, `${SIM}/coverage`, `${SIM}/workers`],
    packages: [PROTOCOL],
    node: true,
  },
  {
    folder: `${SIM}/record`,
    parts: [`${SIM}/world`, `${SIM}/plan`],
    packages: [PROTOCOL, MODEL],
    node: true,
  },
  { folder: `${SIM}/report`, parts: [`${SIM}/world`, `${SIM}/record`], packages: [PROTOCOL], node: true },
  { folder: `${SIM}/report/client`, parts: [`${SIM}/record`, `${SIM}/report`], packages: [PROTOCOL] },
  {
    folder: `${SIM}/scenario`,
    parts: [`${SIM}/world`, `${SIM}/plan`, `${SIM}/record`],
    packages: [PROTOCOL, CONFIG, KEYS, MODEL, 'yaml'],
    node: true,
  },
  {
    folder: `${SIM}/import`,
    parts: [`${SIM}/invariants`, `${SIM}/world`, `${SIM}/record`],
    packages: [PROTOCOL, RECORDING],
    node: true,
  },
  {
    folder: `${SIM}/derive`,
    parts: [`${SIM}/import`, `${SIM}/plan`, `${SIM}/record`, `${SIM}/scenario`, `${SIM}/world`],
    packages: [PROTOCOL],
  },
  { folder: `${SIM}/workers`, node: true },
  { folder: `${SIM}/pages` },
  {
    folder: `${SIM}/tune`,
    parts: [`${SIM}/pages`, `${SIM}/world`, `${SIM}/scenario`, `${SIM}/workers`],
    packages: [PROTOCOL, CONFIG, KEYS],
  },
  { folder: `${SIM}/scale`, parts: [`${SIM}/pages`, `${SIM}/world`], packages: [PROTOCOL] },
  {
    folder: `${SIM}/why`,
    parts: [
      `${SIM}/world`,
      `${SIM}/plan`,
      `${SIM}/record`,
      `${SIM}/report`,
      `${SIM}/scenario`,
      `${SIM}/shrink`,
      `${SIM}/tune`,
      `${SIM}/workers`,
    ],
    packages: [PROTOCOL, CONFIG],
  },
  {
    folder: `${SIM}/commands`,
    parts: [
      `${SIM}/derive`,
      `${SIM}/explore`,
      `${SIM}/import`,
      `${SIM}/plan`,
      `${SIM}/record`,
      `${SIM}/report`,
      `${SIM}/scale`,
      `${SIM}/scenario`,
      `${SIM}/shrink`,
      `${SIM}/swarm`,
      `${SIM}/tune`,
      `${SIM}/why`,
      `${SIM}/world`,
    ],
    packages: [PROTOCOL, CONFIG, RECORDING, '@failtome/cloud', '@failtome/cluster/demo', 'commander'],
    node: true,
  },
  // The program itself: main.ts.
  {
    folder: SIM,
    parts: [`${SIM}/commands`, `${SIM}/swarm`, `${SIM}/tune`, `${SIM}/why`],
    packages: ['commander'],
    node: true,
  },
];
