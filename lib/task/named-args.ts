import type { Args } from '../canvas/signature.ts'

/*
 * Keyword arguments, for the compiler: names from `params`, types from the function.
 */

/** `params` as the compiler sees them. */
export type Names = readonly string[]

/**
 * What may be given by name: `Zip<[number, string?], ['year', 'format?']>` is `{ year: number } & { format?: string }`. Names after `*` are
 * the fields of the function's last parameter, and so is all that `**` collects.
 */
export type Zip<A, P> = P extends readonly [infer N extends string, ...infer PR]
  ? N extends `*${string}`
    ? LastObject<A>
    : A extends readonly []
      ? {}
      : A extends readonly [infer X, ...infer AR]
        ? (N extends `${infer M}?` ? { [K in M]?: X } : { [K in N]: X }) & Zip<AR, PR>
        : A extends readonly [(infer X)?, ...infer AR]
          ? { [K in N extends `${infer M}?` ? M : N]?: X } & Zip<AR, PR>
          : {}
  : {}

/** `T` without its first elements, one for each of `G`. */
export type Drop<T extends Args, G extends Args> = G extends readonly [unknown, ...infer GR]
  ? T extends readonly [`*${string}`, ...unknown[]]
    ? T
    : T extends readonly [unknown?, ...infer R]
      ? Drop<R, GR>
      : []
  : T

type LastObject<A> = A extends readonly [infer O]
  ? O
  : A extends readonly [(infer O)?]
    ? Partial<O>
    : Readonly<Record<string, unknown>>
