import type { Args } from './signature.ts'

/*
 * Partial application, for the compiler: a signature holds the last arguments of a call, whoever sends it gives the first.
 */

/** Every list that arguments `A` may end with: `[number, string]` → `[number, string] | [string] | []`. */
export type Tails<A extends Args> =
  | A
  | (A extends readonly []
      ? never
      : number extends A['length']
        ? A extends readonly [unknown, ...infer R]
          ? Tails<R>
          : never
        : A extends readonly [unknown?, ...infer R]
          ? Tails<R>
          : never)

/** What is left to give in front once `G` stands at the end of arguments `A`; a union where optional ones leave more than one way. */
export type Before<A extends Args, G extends Args> = G extends readonly []
  ? A
  : Heads<A> extends infer P
    ? P extends Args
      ? [...P, ...G] extends A
        ? P
        : never
      : never
    : never

/** Every list that arguments `A` may begin with. */
type Heads<A extends Args, P extends Args = []> =
  | P
  | (A extends readonly []
      ? never
      : number extends A['length']
        ? A extends readonly [infer H, ...infer R]
          ? Heads<R, [...P, H]>
          : [...P, ...A]
        : A extends readonly [(infer H)?, ...infer R]
          ? Heads<R, [...P, H]>
          : never)
