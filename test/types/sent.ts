// biome-ignore-all lint/nursery/noFloatingPromises: compiled, never run
import { type NotSent, type Sent, sharedTask } from 'umbel'
import { type Equal, is } from './equal.ts'

type Json = string | number | boolean | null | Json[] | { [k: string]: Json }
is<Equal<Sent<Json>, Json>>()
is<Equal<Sent<unknown>, unknown>>()
is<Equal<Sent<any>, any>>()
is<Equal<Sent<never>, never>>()
is<Equal<Sent<boolean>, boolean>>()
is<Equal<Sent<'a' | 1 | undefined>, 'a' | 1 | null>>()
is<Equal<Sent<{ a: string | undefined; b?: number }>, { a: string | undefined; b?: number }>>()
is<Equal<Sent<{ a: string | undefined; b: () => void }>, { a: string | undefined }>>()
is<Equal<Sent<string & { __brand: 'x' }>, string & { __brand: 'x' }>>()
is<Equal<Sent<Map<string, number>>, NotSent>>()
is<Equal<Sent<{ big: bigint }>, { big: NotSent }>>()
is<Equal<Sent<Record<string, Date[]>>, Record<string, Date[]>>>()
interface Tree {
  value: number
  children: Tree[]
  parent?: Tree
}
is<Equal<Sent<Tree>, Tree>>()
is<Equal<Sent<URL>, string>>()
class WithMethod {
  readonly a: number
  constructor(a: number) {
    this.a = a
  }
  m() {}
}
type SentInstance = Sent<WithMethod>
is<Equal<SentInstance['a'], number>>()
// @ts-expect-error methods do not travel
export type SentMethod = SentInstance['m']
class Money {
  readonly a: number
  constructor(a: number) {
    this.a = a
  }
  toJSON() {
    return { amount: this.a }
  }
}
is<Equal<Sent<Money>, { amount: number }>>()
export const mapped = sharedTask('b', (): { m: Map<string, number> } => ({ m: new Map() }))
mapped
  .delay()
  .then((r) => r.get())
  .then((r) => is<Equal<typeof r.m, NotSent>>())

// --- JSON types as Prisma and others write them: a naive Sent is "excessively deep" here
type JsonObject = { [Key in string]?: JsonValue }
interface JsonArray extends Array<JsonValue> {}
type JsonValue = string | number | boolean | JsonObject | JsonArray | null
interface OtherObject {
  [key: string]: OtherJson | undefined
}
type OtherJson = string | number | boolean | null | OtherObject | OtherJson[]
export type A = Sent<JsonValue>
export type B = Sent<OtherJson>
const a = sharedTask('a', (x: JsonValue): JsonValue => x)
const a2 = sharedTask('b', (_x: JsonValue): OtherJson => 1)
const a3 = sharedTask('b', (_x: OtherJson) => 1)
a.s({ x: 1 }).link(a2.s().link(a3.s()))
class Decimal {
  toJSON(): string {
    return ''
  }
  plus(x: Decimal): Decimal {
    return x
  }
}
interface User {
  id: number
  balance: Decimal
  meta: JsonValue
  posts: Post[]
  at: Date
  nick: string | null
}
interface Post {
  id: number
  author: User
  body?: string
}
declare const aUser: User
const user = sharedTask('u', async (_id: number): Promise<User> => aUser)
user
  .delay(1)
  .then((r) => r.get())
  .then((x) => {
    const balance: string = x.balance
    const deep: string = x.posts[0]!.author.balance
    const meta: JsonValue = x.meta
    return [balance, deep, meta]
  })
interface Endless<T> {
  v: T
  next?: Endless<T[]>
}
declare const endless: Endless<Date>
sharedTask('inf', (): Endless<Date> => endless).delay()
export const record: Sent<{ [k: string]: unknown }> = { a: 1 }
