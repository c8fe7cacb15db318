import { createServer, type Server } from 'node:net';

/** A port that no agent or web server of a cluster uses: whoever listens on it owns the block. */
const claimPort = 8740;
const firstSecondByte = 60;
const blocks = 60 * 250;
/** More blocks than any machine runs clusters at once. */
const claimAttempts = 200;

/** Where the next claim begins: processes that start together try different blocks, and none its own last one. */
let nextBlock = (process.pid * 7_919) % blocks;

/**
 * A /24 of the loopback network that one cluster has to itself. Ports in it can be fixed, freed and taken again without
 * another process ever getting in between, because nobody else listens on these addresses.
 */
export class LoopbackBlock {
  readonly #prefix: string;
  readonly #claim: Server;

  constructor(prefix: string, claim: Server) {
    this.#prefix = prefix;
    this.#claim = claim;
  }

  /** An address of the block, from 1 to 253. */
  ip(number: number): string {
    if (!Number.isInteger(number) || number < 1 || number > 253)
      throw new RangeError(`${number} is no host number.`);
    return `${this.#prefix}.${number}`;
  }

  async release(): Promise<void> {
    await new Promise((resolve) => this.#claim.close(resolve));
  }
}

/** Claims a block. It is freed by `release`, and by the end of this process, however it comes. */
export async function claimLoopback(): Promise<LoopbackBlock> {
  const start = nextBlock;
  nextBlock += 1;
  let last: unknown;
  for (let attempt = 0; attempt < claimAttempts; attempt += 1) {
    const block = (start + attempt) % blocks;
    const prefix = `127.${firstSecondByte + Math.floor(block / 250)}.${1 + (block % 250)}`;
    try {
      return new LoopbackBlock(prefix, await listenOn(`${prefix}.254`));
    } catch (cause) {
      last = cause;
      if (!isTaken(cause)) break;
    }
  }
  throw new Error(
    'No block of loopback addresses could be claimed. A cluster needs all of 127.0.0.0/8, as Linux has it.',
    { cause: last },
  );
}

async function listenOn(host: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: claimPort, exclusive: true }, resolve);
  });
  server.unref();
  return server;
}

function isTaken(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
}
