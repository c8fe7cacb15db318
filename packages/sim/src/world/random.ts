/**
 * The world's one generator: xoshiro128** over 32-bit integers, so that a seed means the same on every engine.
 *
 * Source: Blackman, Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 2021.
 */
export interface Random {
  /** A whole number from 0 up to, not including, `bound` (at most 2^32). */
  below(bound: number): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  /** A number from 0 up to, not including, 1. */
  fraction(): number;
  /** True `perMille` times in a thousand. */
  chance(perMille: number): boolean;
  /** @throws Error when the list is empty. */
  pick<T>(list: readonly T[]): T;
  /** A generator of its own, so that what draws from it disturbs nobody else. */
  fork(): Random;
  /**
   * From here on another future: this generator and all that were ever forked off it, and off those, draw anew, by this
   * seed.
   */
  reseed(seed: number): void;
}

/** @param seed any whole number; its low 32 bits count */
export function createRandom(seed: number): Random {
  let [a, b, c, d] = [0, 0, 0, 0];
  const forks: Random[] = [];

  function begin(from: number): void {
    a = mix(from | 0, 1);
    b = mix(from | 0, 2);
    c = mix(from | 0, 3);
    d = mix(from | 0, 4) | 1;
  }

  function next(): number {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  }

  begin(seed);
  const fraction = (): number => next() / 0x1_0000_0000;
  const below = (bound: number): number => Math.floor(fraction() * bound);
  return {
    below,
    fraction,
    between: (least, most) => least + below(most - least + 1),
    chance: (perMille) => perMille > 0 && below(1000) < perMille,
    pick(list) {
      const index = below(list.length);
      if (index >= list.length) throw new Error('nothing to pick from');
      return list[index] as (typeof list)[number]; // the index is inside the list
    },
    fork() {
      const fork = createRandom(next());
      forks.push(fork);
      return fork;
    },
    reseed(other) {
      begin(other);
      for (const fork of forks) fork.reseed(next());
    },
  };
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

/** MurmurHash3's finalizer, to spread small seeds over all bits. */
function mix(seed: number, salt: number): number {
  let h = (seed + Math.imul(salt, 0x9e3779b9)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
