/**
 * How bytes get from a connection to Node's HTTP parser, and requests from there to their handlers.
 *
 * Left alone, Node parses all that a connection sends and hands every request in it over at once: 50 kB of pipelined
 * requests are 1,500 requests in one turn of the event loop. Here a connection has one unanswered request at most, and
 * those who haven't shown a key share a budget: what they send is parsed a small piece at a time, one piece a turn of
 * the event loop, and no more pieces a second than the budget has. Connections that have carried an accepted message
 * are served at once, and wait for nobody, as long as their sender asks for no more than an honest one does.
 */
import { AssertionError } from 'node:assert';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { DurationMs, MonotonicMs } from '@failtome/protocol';
import { Allowance } from '../allowance.ts';
import { throwUncaught } from '../errors.ts';
import { Lane } from './lane.ts';
import { addressOf } from './sender.ts';
import { Turns } from './turns.ts';

/** The most bytes of a stranger that are parsed at once: some fifty of the shortest requests. */
export const PIECE_BYTES = 1_024;

/** Of one who has shown a key: a message and its headers, and more. */
const TRUSTED_PIECE_BYTES = 65_536;

/** The most pieces a second that each lane of strangers is served, and at once after a rest. */
export const PIECES_PER_SECOND = 250;

/** The most bytes that strangers' connections may hold here, unparsed, in sum. */
export const MAX_HELD_BYTES: number = 16 * 1_048_576;

/** How much is read of strangers' requests. */
export interface IntakeOptions {
  readonly piecesPerSecond: number;
  readonly maxHeldBytes: number;
  /** From the moment when a request is handed over until its answer has been taken in full. */
  readonly answerMs: DurationMs;
  /** How often that is looked at. */
  readonly checkMs: DurationMs;
}

/** What tells peers' connections from strangers'. */
export interface IntakeDependencies {
  readonly monotonicMs: () => MonotonicMs;
  readonly isTrusted: (socket: Socket) => boolean;
  /** Whether this connection's next request is served at once, which is counted. */
  readonly mayRequest: (socket: Socket) => boolean;
  /** A peer is configured at this address. */
  readonly isPeerAddress: (address: string) => boolean;
  /** A connection was cut off: its answer wasn't taken in time, or it sent more than there is room for. */
  readonly onCut: (reason: 'too-slow' | 'overloaded' | 'malformed', socket: Socket) => void;
}

/** Answers one request. */
export type Handle = (request: IncomingMessage, response: ServerResponse) => void;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly handle: Handle;
}

/** One connection, with what it has sent and isn't parsed, and what is parsed and isn't answered. */
interface Line {
  readonly socket: Socket;
  /** Empty where the connection is gone. */
  readonly address: string;
  /** Node's own reader of this socket. */
  readonly parse: (piece: Buffer) => void;
  lane: Lane<Line>;
  held: Buffer;
  readonly parsed: Exchange[];
  /** It ends when what is under way on it is answered. */
  isLast: boolean;
  /** `isStream`: its answer goes on, and whoever writes it sees that it is taken. */
  current: { readonly exchange: Exchange; readonly since: MonotonicMs; isStream: boolean } | null;
}

const NOTHING = Buffer.alloc(0);

/** How every message to this API begins. */
const MESSAGE_START = 'POST /v1/';

/** Reads what strangers send in pieces, on a budget. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #dependencies: IntakeDependencies;
  readonly #lines = new Map<Socket, Line>();
  /** Messages from where a peer is configured, other messages, all else: none takes another's turn. */
  readonly #lanes: Readonly<Record<'peers' | 'messages' | 'reads', Lane<Line>>>;
  readonly #turns: Turns<Line>;
  #heldBytes = 0;
  /** Requests that were handed over and aren't over yet. */
  #underWay = 0;
  /** Null while nothing is under way: a timer that wakes an idle process costs more than what it looks at. */
  #sweep: NodeJS.Timeout | null = null;

  constructor(options: IntakeOptions, dependencies: IntakeDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    const { piecesPerSecond: perSecond } = options;
    const lane = (): Lane<Line> =>
      new Lane(new Allowance({ perSecond, burst: perSecond }, { monotonicMs: dependencies.monotonicMs }));
    this.#lanes = { peers: lane(), messages: lane(), reads: lane() };
    this.#turns = new Turns(Object.values(this.#lanes), (line) => this.#serve(line));
  }

  /** A request has been parsed. It is handled when those before it on its connection have been answered. */
  take(request: IncomingMessage, response: ServerResponse, handle: Handle): void {
    const line = this.#lines.get(request.socket);
    if (line === undefined) return handle(request, response);
    line.parsed.push({ request, response, handle });
  }

  /** End this connection: at once, or when the request that is under way has been answered. */
  letGo(socket: Socket): void {
    const line = this.#lines.get(socket);
    if (line === undefined || line.current === null) socket.destroy();
    else line.isLast = true;
  }

  /** The answer that is under way on this connection has no end of its own. */
  keepOpen(socket: Socket): void {
    const current = this.#lines.get(socket)?.current;
    if (current !== null && current !== undefined) current.isStream = true;
  }

  /** Nothing that this connection sends is parsed any more. */
  forget(socket: Socket): void {
    const line = this.#lines.get(socket);
    if (line === undefined) return;
    this.#hold(line, NOTHING);
    line.lane.remove(line.address, line);
    this.#lines.delete(socket);
  }

  close(): void {
    this.#stopSweeping();
    this.#turns.close();
    for (const socket of [...this.#lines.keys()]) this.forget(socket);
  }

  /**
   * Stand between a connection that an HTTP server has just been given and the server's parser.
   *
   * Node has one reader on a new socket. With a second `data` listener it hands its bytes to listeners instead of
   * reading them past JavaScript; then its own is taken off, and called with a piece at a time.
   */
  open(socket: Socket): void {
    const [read] = socket.listeners('data');
    if (read === undefined) throw new Error('this version of Node has no reader on a new HTTP connection');
    socket.removeListener('data', read as (chunk: Buffer) => void); // an EventEmitter's listeners have no type
    const line: Line = {
      socket,
      address: addressOf(socket),
      parse: (piece) => read.call(socket, piece),
      lane: this.#lanes.reads,
      held: NOTHING,
      parsed: [],
      isLast: false,
      current: null,
    };
    this.#lines.set(socket, line);
    socket.on('data', (chunk: Buffer) => this.#receive(line, chunk));
    socket.once('close', () => this.forget(socket));
  }

  #receive(line: Line, chunk: Buffer): void {
    if (!this.#lines.has(line.socket)) return;
    if (isIdle(line)) line.lane = this.#laneOf(line, chunk);
    const { isTrusted } = this.#dependencies;
    this.#hold(line, line.held.length === 0 ? chunk : Buffer.concat([line.held, chunk]));
    if (this.#heldBytes > this.#options.maxHeldBytes && !isTrusted(line.socket))
      return this.#cut(line, 'overloaded');
    // Who waits for each answer is never held up: only what comes before an answer has to wait outside.
    if (isBlocked(line)) line.socket.pause();
    else this.#goOn(line);
  }

  #laneOf({ address }: Line, chunk: Buffer): Lane<Line> {
    if (chunk.toString('latin1', 0, MESSAGE_START.length) !== MESSAGE_START) return this.#lanes.reads;
    return this.#dependencies.isPeerAddress(address) ? this.#lanes.peers : this.#lanes.messages;
  }

  /** Serve it: now, where it has shown a key and asks for no more than others who have; otherwise in its turn. */
  #goOn(line: Line): void {
    while (canStep(line) && this.#isServedAtOnce(line)) this.#step(line, TRUSTED_PIECE_BYTES);
    if (canStep(line)) {
      line.socket.pause();
      line.lane.add(line.address, line);
      this.#turns.schedule();
    } else if (!isBlocked(line) && this.#lines.has(line.socket)) line.socket.resume();
  }

  /** The rest of a request that is under way goes with its beginning. */
  #isServedAtOnce({ socket, current }: Line): boolean {
    const { isTrusted, mayRequest } = this.#dependencies;
    return current === null ? mayRequest(socket) : isTrusted(socket);
  }

  #step(line: Line, pieceBytes: number): void {
    if (line.parsed.length === 0) {
      const piece = line.held.subarray(0, pieceBytes);
      this.#hold(line, piece.length === line.held.length ? NOTHING : line.held.subarray(pieceBytes));
      try {
        line.parse(piece);
      } catch (error) {
        // What is called within it, up to a message's handler, asserts what this program believes.
        if (error instanceof AssertionError) throwUncaught(error);
        // Node's reader asserts what it believes of the connection, by errors of its own; whoever broke that has nothing good in mind.
        return this.#cut(line, 'malformed');
      }
    }
    const next = line.current === null ? line.parsed.shift() : undefined;
    if (next !== undefined) this.#handOver(line, next);
  }

  #handOver(line: Line, exchange: Exchange): void {
    line.current = { exchange, since: this.#dependencies.monotonicMs(), isStream: false };
    const { request, response, handle } = exchange;
    this.#underWay += 1;
    this.#sweep ??= setInterval(() => this.#cutSlowReaders(), this.#options.checkMs).unref();
    response.once('close', () => {
      line.current = null;
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#stopSweeping();
      if (line.isLast) line.socket.destroySoon();
      else if (this.#lines.has(line.socket)) this.#goOn(line);
    });
    handle(request, response);
  }

  #serve(line: Line): void {
    if (canStep(line)) this.#step(line, PIECE_BYTES);
    this.#goOn(line);
  }

  #hold(line: Line, bytes: Buffer): void {
    this.#heldBytes += bytes.length - line.held.length;
    line.held = bytes;
  }

  #cut(line: Line, reason: 'too-slow' | 'overloaded' | 'malformed'): void {
    this.#dependencies.onCut(reason, line.socket);
    this.forget(line.socket);
    line.socket.destroy();
  }

  #stopSweeping(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#sweep = null;
  }

  #cutSlowReaders(): void {
    const now = this.#dependencies.monotonicMs();
    for (const line of this.#lines.values()) {
      const { current } = line;
      if (current === null || current.isStream) continue;
      if (now - current.since > this.#options.answerMs) this.#cut(line, 'too-slow');
    }
  }
}

/** Waits for an answer. Until a request has come in full it takes more bytes, unless its answer has been given early. */
function isBlocked({ current }: Line): boolean {
  return current !== null && (current.exchange.request.complete || current.exchange.response.writableEnded);
}

/** Nothing is under way on it. */
function isIdle({ held, parsed, current }: Line): boolean {
  return held.length === 0 && parsed.length === 0 && current === null;
}

function canStep(line: Line): boolean {
  if (line.socket.destroyed || isBlocked(line)) return false;
  return line.parsed.length === 0 ? line.held.length > 0 : line.current === null;
}
