/** What stands in a result's type where something in it cannot travel; nothing has this type. */
export interface NotSent {
  readonly [refused]: 'functions, symbols, bigints, Maps, Sets and streams cannot travel'
}

/**
 * `T` after the wire: what a caller gets of a result of type `T`. A class instance is its data, `undefined` is null, `toJSON()` is asked.
 * `T` itself where nothing changes, so that hovers keep its name; no opinion where the user compiles without strictNullChecks.
 */
export type Sent<T> = undefined extends 0
  ? T
  : IsAny<T> extends true
    ? T
    : T extends unknown
      ? [T, Copy<T>] extends [Copy<T>, T]
        ? T
        : Copy<T>
      : never

/** True for `any` alone. */
export type IsAny<T> = 0 extends 1 & T ? true : false

declare const refused: unique symbol

type Plain =
  | string
  | number
  | boolean
  | null
  | Date
  | Uint8Array
  | readonly Plain[]
  | { readonly [key: string]: Plain | undefined }

// Plain is asked before the parts are, or recursive JSON types would never end.
type Copy<T> =
  IsAny<T> extends true
    ? T
    : unknown extends T
      ? T
      : // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing has this result
        T extends undefined | void
        ? null
        : T extends Plain
          ? T
          : T extends Unsendable
            ? NotSent
            : T extends readonly unknown[]
              ? { [K in keyof T]: Copy<T[K]> }
              : T extends { toJSON(): infer J }
                ? Copy<J>
                : {
                    [K in keyof T as K extends symbol
                      ? never
                      : [T[K]] extends [Function | undefined]
                        ? never
                        : K]: undefined extends T[K]
                      ? Copy<Exclude<T[K], undefined>> | Extract<T[K], undefined>
                      : Copy<T[K]>
                  }

type Unsendable =
  | bigint
  | symbol
  | Function
  // biome-ignore lint/suspicious/noExplicitAny: a Map of anything; `unknown` is no such type for invariant parameters
  | ReadonlyMap<any, any>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  | ReadonlySet<any>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  | AsyncIterable<any>
