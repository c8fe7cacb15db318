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
  /** True `perMille` times in a thousand. */
  chance(perMille: number): boolean;
  /** @throws Error when the list is empty. */
  pick<T>(list: readonly T[]): T;
  /** A generator of its own, so that what draws from it disturbs nobody else. */
  fork(): Random;
}

/** @param seed any whole number; its low 32 bits count */
export function createRandom(seed: number): Random {
  let a = mix(seed | 0, 1);
  let b = mix(seed | 0, 2);
  let c = mix(seed | 0, 3);
  let d = mix(seed | 0, 4) | 1;

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

  const below = (bound: number): number => Math.floor((next() / 0x1_0000_0000) * bound);
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: (perMille) => perMille > 0 && below(1000) < perMille,
    pick(list) {
      const index = below(list.length);
      if (index >= list.length) throw new Error('nothing to pick from');
      return list[index] as (typeof list)[number]; // the index is inside the list
    },
    fork: () => createRandom(next()),
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
