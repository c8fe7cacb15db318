/** The parts that all schemas of the API are made of. */
import Type, { type Static, type TSchema } from 'typebox';

/** A text with a meaning. */
export const text = (description: string) => Type.String({ description });
/** A number that counts, from 0. */
export const count = (description: string) => Type.Integer({ minimum: 0, description });
export const flag = (description: string) => Type.Boolean({ description });
/** A length of time in milliseconds. */
export const lengthMs = (description: string) =>
  Type.Number({ minimum: 0, description: `${description} In milliseconds.` });
/** A moment, in milliseconds since 1970. */
export const moment = (description: string) =>
  Type.Number({ description: `${description} In milliseconds since 1970.` });
export const texts = (description: string) => Type.Array(Type.String(), { description });

export const nodeId = (description: string) => Type.String({ minLength: 1, maxLength: 64, description });
export const ip = (description: string) =>
  Type.String({ maxLength: 45, description, examples: ['203.0.113.7'] });

/** One of these words. */
export const oneOf = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description });

/** A code of a list that grows: docs/operations.md explains each. */
export const code = <T extends string>(description: string) =>
  Type.Unsafe<T>({ type: 'string', description });

export const nullable = <T extends TSchema>(of: T, description = '') =>
  Type.Union([of, Type.Null()], description === '' ? {} : { description });

/** The schemas' types may be written to, the program's may not: apart from that they have to be the same. */
type Mutable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? Mutable<Item>[]
    : { -readonly [K in keyof T]: Mutable<T[K]> };

/** `true` where a schema describes exactly this type: no field is missing, and none is of another type. */
type Describes<S extends TSchema, T> = [Mutable<Static<S>>] extends [Mutable<T>]
  ? [Mutable<T>] extends [Mutable<Static<S>>]
    ? SameKeys<Mutable<Static<S>>, Mutable<T>>
    : false
  : false;

/** An optional field more would be assignable both ways. */
type SameKeys<A, B> = [keyof A] extends [keyof B] ? ([keyof B] extends [keyof A] ? true : false) : false;

/** The schema, where it describes exactly this type; otherwise it doesn't compile. */
export const describing =
  <T>() =>
  <S extends TSchema>(schema: S, ..._proof: Describes<S, T> extends true ? [] : [never]): S =>
    schema;
