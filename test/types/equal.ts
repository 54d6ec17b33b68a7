/** True when two types are the same for every use of them, not only assignable. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
export type IsAny<T> = 0 extends 1 & T ? true : false
/** `is<Equal<A, B>>()` compiles when they are equal. */
export function is<_T extends true>(): void {}
