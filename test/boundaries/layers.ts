/**
 * Which part of the sources may import which: one row a part, its own files apart. What isn't in its row is refused.
 */

/** A part of the sources, and all that it may import from outside itself. */
export interface Layer {
  /** The folder; files in it belong to the longest folder that names them. */
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
const MODEL = '@failtome/cloud/model';
const SIM = 'packages/sim/src';

/** Lower layers first. */
export const LAYERS: readonly Layer[] = [
  { folder: 'packages/protocol/src' },
  { folder: 'packages/config/src', packages: [PROTOCOL, 'yaml'] },
  { folder: 'packages/ports/src', packages: [PROTOCOL] },
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
    parts: [`${SIM}/world`, `${SIM}/plan`, `${SIM}/coverage`],
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
    folder: `${SIM}/commands`,
    parts: [
      `${SIM}/explore`,
      `${SIM}/plan`,
      `${SIM}/record`,
      `${SIM}/report`,
      `${SIM}/scenario`,
      `${SIM}/shrink`,
      `${SIM}/swarm`,
    ],
    packages: [PROTOCOL, '@failtome/cloud', '@failtome/cluster/demo', 'commander'],
    node: true,
  },
  // The program itself: main.ts.
  { folder: SIM, parts: [`${SIM}/commands`, `${SIM}/swarm`], packages: ['commander'], node: true },
];
