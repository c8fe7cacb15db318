/**
 * The ledger of a swarm that goes on for days: which seeds are done, and what they came to. One file, that can be
 * stopped and gone on with, and added to the ledgers of other machines that ran other seeds of the same program.
 */

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { counted } from '@failtome/protocol';
import { countSeeds, describeRanges, overlap, type SeedRange, union } from './ranges.ts';
import type { Finding, SeedResult } from './seed.ts';
import { addTallies, NO_TALLY, type Tally } from './tally.ts';

const FORMAT = 'failtome-swarm-ledger';
/** Raised when what is written changes its meaning. */
const VERSION = 3;
/** Of a ledger that doesn't count pairs, and none of whose seeds was steered; the rest is the same. */
const VERSION_WITHOUT_PAIRS = 2;

/** What must be the same for totals to be about the same thing. */
export interface Identity {
  /** The version of failtome. */
  readonly program: string;
  /** A hash of the program's file: of the protocol, the world, the checkers and what is drawn from a seed. */
  readonly fingerprint: string;
  /** Only these faults; null: all. */
  readonly faults: readonly string[] | null;
  /** What its seeds are wished to bring about, as `focusText` writes it, or `unmet`; null: nothing. */
  readonly focus: string | null;
}

/** Which seeds are done, and what they came to. */
export interface SwarmLedger {
  readonly identity: Identity;
  /** In order, without overlaps. */
  readonly done: readonly SeedRange[];
  readonly tally: Tally;
  /** In the order of their seeds. */
  readonly findings: readonly Finding[];
  /** How long it took, all jobs together, in whole milliseconds of the real world. */
  readonly jobMs: number;
}

/** The ledger can't be used, with the reason for people. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
}

/** An empty ledger. */
export function newLedger(identity: Identity): SwarmLedger {
  return { identity, done: [], tally: NO_TALLY, findings: [], jobMs: 0 };
}

/** With one more seed. */
export function enter(ledger: SwarmLedger, { seed, tally, finding }: SeedResult, jobMs: number): SwarmLedger {
  return {
    ...ledger,
    done: union(ledger.done, [[seed, seed]]),
    tally: addTallies(ledger.tally, tally),
    findings: finding === null ? ledger.findings : inOrder([...ledger.findings, finding]),
    jobMs: ledger.jobMs + Math.round(jobMs),
  };
}

/**
 * The sum of ledgers of different seeds.
 *
 * @throws LedgerError when they are of different programs, or have seeds in common
 */
export function mergeLedgers(
  ledgers: readonly (readonly [file: string, ledger: SwarmLedger])[],
): SwarmLedger {
  const [first, ...others] = ledgers;
  if (first === undefined) throw new LedgerError('no ledgers to add up');
  return others.reduce((sum, [file, ledger]) => {
    refuseOther(file, ledger.identity, sum.identity);
    const both = overlap(sum.done, ledger.done);
    if (both !== null)
      throw new LedgerError(`${file}: the seeds ${describeRanges([both])} are in another ledger too`);
    return {
      identity: sum.identity,
      done: union(sum.done, ledger.done),
      tally: addTallies(sum.tally, ledger.tally),
      findings: inOrder([...sum.findings, ...ledger.findings]),
      jobMs: sum.jobMs + ledger.jobMs,
    };
  }, first[1]);
}

/** @throws LedgerError when the ledger is of another program, or draws other faults */
export function refuseOther(file: string, theirs: Identity, ours: Identity): void {
  const differs = (['program', 'fingerprint'] as const).find((part) => theirs[part] !== ours[part]);
  if (differs !== undefined)
    throw new LedgerError(
      `${file} counts seeds of another program (${differs} ${theirs[differs]}, this is ${ours[differs]}), and ` +
        'the same seeds mean something else there: name a new file, or move this one away',
    );
  const [a, b] = [theirs.faults?.join(',') ?? 'all', ours.faults?.join(',') ?? 'all'];
  if (a !== b) throw new LedgerError(`${file} is about the faults ${a}, not ${b}: name a new file`);
  const [c, d] = [theirs.focus ?? 'none', ours.focus ?? 'none'];
  if (c !== d) throw new LedgerError(`${file} has seeds of the focus ${c}, not ${d}: name a new file`);
}

/**
 * Read a ledger.
 *
 * @returns null when there is no such file
 * @throws LedgerError when it isn't a ledger, or of a later format
 */
export function readLedger(file: string): SwarmLedger | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw new LedgerError(`${file} isn't JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof read !== 'object' || read === null || !('format' in read) || read.format !== FORMAT)
    throw new LedgerError(`${file} isn't a swarm's ledger`);
  const { version, ...written } = read as unknown as { readonly version: unknown } & SwarmLedger; // as its format and version say
  if (version !== VERSION && version !== VERSION_WITHOUT_PAIRS)
    throw new LedgerError(`${file} has version ${String(version)}, not ${VERSION}`);
  const ledger = version === VERSION ? written : withoutPairs(written);
  if (countSeeds(ledger.done) !== ledger.tally.seeds)
    throw new LedgerError(
      `${file} contradicts itself: ${counted(ledger.tally.seeds, 'seed')} counted, others listed`,
    );
  return {
    identity: ledger.identity,
    done: ledger.done,
    tally: ledger.tally,
    findings: ledger.findings,
    jobMs: ledger.jobMs,
  };
}

function withoutPairs(ledger: SwarmLedger): SwarmLedger {
  const { pairs, wished } = NO_TALLY;
  return {
    ...ledger,
    identity: { ...ledger.identity, focus: null },
    tally: { ...ledger.tally, pairs, wished },
    findings: ledger.findings.map((finding) => ({ ...finding, focus: null })),
  };
}

/** Replace the file as a whole: whoever reads it sees the old or the new one. */
export function writeLedger(file: string, ledger: SwarmLedger): void {
  const fresh = `${file}.${process.pid}.new`;
  const handle = openSync(fresh, 'w');
  try {
    writeSync(handle, `${JSON.stringify({ format: FORMAT, version: VERSION, ...ledger }, null, 1)}\n`);
    fsyncSync(handle);
  } catch (error) {
    rmSync(fresh);
    throw error;
  } finally {
    closeSync(handle);
  }
  renameSync(fresh, file);
}

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((a, b) => a.seed - b.seed);
}
