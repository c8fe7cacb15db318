/** A network as the documents show one: a private subnet with the nodes in it, a cloud beyond, and a public address. */
import { spawnSync } from 'node:child_process';
import { atExit } from '../../../packages/cluster/src/cleanup.ts';
import { findProgram } from '../../../scripts/requirements.mjs';
import { must } from './programs.ts';

/** The documents' own addresses, so that their commands work as they stand there. */
export const sharedAddress = '54.173.141.243';
/** The cloud, which is also the router between the subnet and the world. */
export const cloudAddress = '10.0.1.1';

let made = 0;

/** A namespace for the cloud and one for each node, on one bridge. They go with `close`, and with this process. */
export class Subnet {
  readonly #prefix: string;
  readonly #places: string[] = [];
  readonly #forget: () => void;

  constructor() {
    made += 1;
    this.#prefix = `ftm-${process.pid}-${made}`;
    this.#forget = atExit(() => this.#remove());
    this.#add('cloud');
    const cloud = this.of('cloud');
    must('ip', '-n', cloud, 'link', 'add', 'subnet', 'type', 'bridge');
    must('ip', '-n', cloud, 'address', 'add', `${cloudAddress}/24`, 'dev', 'subnet');
    must('ip', '-n', cloud, 'address', 'add', `${sharedAddress}/32`, 'dev', 'lo');
    must('ip', '-n', cloud, 'link', 'set', 'subnet', 'up');
  }

  /** The namespace's name. */
  of(place: string): string {
    return `${this.#prefix}-${place}`;
  }

  /** A machine's place at an address of the subnet. */
  join(id: string, address: string): void {
    this.#add(id);
    const cloud = this.of('cloud');
    const peer = ['peer', 'name', 'eth0', 'netns', this.of(id)];
    must('ip', '-n', cloud, 'link', 'add', `to-${id}`, 'type', 'veth', ...peer);
    must('ip', '-n', cloud, 'link', 'set', `to-${id}`, 'master', 'subnet', 'up');
    must('ip', '-n', this.of(id), 'address', 'add', `${address}/24`, 'dev', 'eth0');
    must('ip', '-n', this.of(id), 'link', 'set', 'eth0', 'up');
    must('ip', '-n', this.of(id), 'route', 'add', 'default', 'via', cloudAddress);
  }

  /** A machine is gone: so is its place. */
  leave(id: string): void {
    // By itself it would go some time after its namespace, and be in the way of the next one's.
    must('ip', '-n', this.of('cloud'), 'link', 'delete', `to-${id}`);
    spawnSync(findProgram('ip') ?? 'ip', ['netns', 'delete', this.of(id)]);
    this.#places.splice(this.#places.indexOf(id), 1);
  }

  close(): void {
    this.#remove();
    this.#forget();
  }

  #add(place: string): void {
    must('ip', 'netns', 'add', this.of(place));
    this.#places.push(place);
    must('ip', '-n', this.of(place), 'link', 'set', 'lo', 'up');
  }

  #remove(): void {
    for (const place of this.#places)
      spawnSync(findProgram('ip') ?? 'ip', ['netns', 'delete', this.of(place)]);
  }
}
