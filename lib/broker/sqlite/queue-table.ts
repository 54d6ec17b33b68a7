import { Unroutable } from '../../base/errors.ts'
import { type SqliteDatabase, textOf } from '../../driver/sqlite/sqlite-database.ts'
import type { Transaction } from '../../driver/sqlite/write-queue.ts'
import { type Queue, queuesOf, type Route } from '../queue.ts'

/** The queues of a store: their numbers, bindings and pauses. Queues are never removed, so what is known stays true. */
export class QueueTable {
  readonly #ids = new Map<string, number>()
  readonly #names = new Map<number, string>()
  #declared: readonly Queue[] = []
  #topology = 0

  /** The number of a queue, which is made known when it isn't. */
  idOf(transaction: Transaction, name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const { database } = transaction
    database.statement('insert into queues (name) values (?) on conflict (name) do nothing').run([name])
    const id = Number(database.statement('select id from queues where name = ?').all([name])[0]?.[0])
    // Not before: the transaction may be undone.
    transaction.onCommit(() => this.#learn(id, name))
    return id
  }

  /** The number of a queue that somebody has named before. */
  findId(database: SqliteDatabase, name: string): number | undefined {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const id = database.statement('select id from queues where name = ?').all([name])[0]?.[0]
    if (typeof id !== 'number') return undefined
    this.#learn(id, name)
    return id
  }

  nameOf(database: SqliteDatabase, id: number): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const row = database.statement('select cast(name as blob) from queues where id = ?').all([id])[0]
    const name = textOf(row?.[0])
    if (row !== undefined) this.#learn(id, name)
    return name
  }

  /** Stores queues with their bindings; other processes route by them from then on. */
  declare(transaction: Transaction, queues: readonly Queue[]): void {
    const { database } = transaction
    let isChanged = false
    for (const queue of queues) {
      const definition = JSON.stringify(queue)
      const { changes } = database
        .statement('update queues set definition = ? where id = ? and definition is not ?')
        .run([definition, this.idOf(transaction, queue.name), definition])
      isChanged ||= changes > 0
    }
    if (isChanged) database.statement("update sequences set next = next + 1 where name = 'topology'").run([])
  }

  /** The queues that a route leads to. @throws {Unroutable} when there are none */
  destinations(transaction: Transaction, route: Route): number[] {
    if (route.exchange === '') return [this.idOf(transaction, route.routingKey)]
    const names = queuesOf(route, this.#declaredQueues(transaction.database))
    if (names.length === 0)
      throw new Unroutable(
        `Cannot publish to exchange "${route.exchange}" with routing key "${route.routingKey}": no queue is bound to it. Declare one, or correct the route.`,
      )
    return names.map((name) => this.idOf(transaction, name))
  }

  #declaredQueues(database: SqliteDatabase): readonly Queue[] {
    const topology = Number(database.statement("select next from sequences where name = 'topology'").all([])[0]?.[0])
    if (topology === this.#topology) return this.#declared
    const rows = database.statement('select cast(definition as blob) from queues where definition is not null').all([])
    this.#declared = rows.map(([definition]) => JSON.parse(textOf(definition)) as Queue)
    this.#topology = topology
    return this.#declared
  }

  #learn(id: number, name: string): void {
    this.#ids.set(name, id)
    this.#names.set(id, name)
  }
}
