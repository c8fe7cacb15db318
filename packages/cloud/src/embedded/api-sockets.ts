import type { Socket } from 'node:net';
import { externalIp, type InstanceId } from '../model/index.ts';
import type { LiveAccount } from './live-account.ts';

/** What a move does to the established connections of the instances whose own public address it changes. */
export type MoveEffect = 'reset' | 'blackhole' | 'none';

interface SocketState {
  caller: InstanceId | null;
  /** Requests that it owes an answer. */
  busy: number;
  fate: 'live' | 'reset-when-idle' | 'silent';
}

/**
 * The connections to AWS, by who uses them. A move changes the public address of the taker and of the loser, and with
 * it every connection that they had: those that were idle are reset or fall silent, and those that wait for an answer
 * still get it. (An answer that is lost is a fault to arm: `apply-then-hang`.)
 */
export class ApiSockets {
  readonly #account: LiveAccount;
  readonly #effect: MoveEffect;
  readonly #sockets = new Map<Socket, SocketState>();
  readonly #lastIps = new Map<InstanceId, string>();

  constructor(account: LiveAccount, effect: MoveEffect) {
    this.#account = account;
    this.#effect = effect;
    this.#review();
    account.subscribe((signal) => {
      if (signal.kind === 'changed') this.#review();
    });
  }

  /** A request has come over a socket; false when the socket is silent, and the request must go unanswered. */
  begin(socket: Socket): boolean {
    let state = this.#sockets.get(socket);
    if (state === undefined) {
      state = { caller: null, busy: 0, fate: 'live' };
      this.#sockets.set(socket, state);
      socket.once('close', () => this.#sockets.delete(socket));
    }
    state.busy += 1;
    return state.fate !== 'silent';
  }

  /** Whose request it is, once its key is known. */
  identify(socket: Socket, caller: InstanceId | null): void {
    const state = this.#sockets.get(socket);
    if (state !== undefined) state.caller = caller;
  }

  /** Whether this answer is the last that its connection carries, so that it can say so. */
  isEnding(socket: Socket): boolean {
    return this.#sockets.get(socket)?.fate === 'reset-when-idle';
  }

  /** An answer has been sent. */
  end(socket: Socket): void {
    const state = this.#sockets.get(socket);
    if (state === undefined) return;
    state.busy -= 1;
    if (state.busy === 0 && state.fate === 'reset-when-idle') socket.destroySoon();
  }

  #review(): void {
    const { state } = this.#account;
    for (const instanceId of state.instances.keys()) {
      const now = externalIp(state, instanceId, this.#account.nowMs());
      // Without a way out nothing comes through anyway, and if the same address returns, so do the connections.
      if (now.kind === 'none') continue;
      const before = this.#lastIps.get(instanceId);
      this.#lastIps.set(instanceId, now.ip);
      if (before !== undefined && before !== now.ip) this.#disrupt(instanceId);
    }
  }

  #disrupt(instanceId: InstanceId): void {
    if (this.#effect === 'none') return;
    for (const [socket, state] of this.#sockets) {
      if (state.caller !== instanceId || state.fate !== 'live') continue;
      if (this.#effect === 'blackhole') {
        state.fate = 'silent';
      } else if (state.busy === 0) {
        socket.resetAndDestroy();
      } else {
        state.fate = 'reset-when-idle';
      }
    }
  }
}
