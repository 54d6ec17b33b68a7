import { sqliteByArrays, sqliteByRows } from './systems/sqlite.ts'
import type { System } from './systems/system.ts'
import { umbelEmbedded } from './systems/umbel.ts'

/** What can be asked for, and the systems that are compared there; the first is what the others are held against. */
export const suites: Readonly<Record<string, readonly System[]>> = {
  embedded: [umbelEmbedded, sqliteByArrays, sqliteByRows],
}

/** What can't be asked for yet, and why. */
export const laterSuites: Readonly<Record<string, string>> = {
  redis: 'comes with the Redis broker',
  rabbitmq: 'comes with the RabbitMQ broker',
  pools: 'comes with the worker pools for threads and processes',
}
