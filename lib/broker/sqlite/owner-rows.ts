import { crashPoint } from '../../base/crash-point.ts'
import { isGone, type ProcessIdentity } from '../../driver/sqlite/process-identity.ts'
import { type SqliteDatabase, type SqliteRow, textOf } from '../../driver/sqlite/sqlite-database.ts'
import type { Transaction } from '../../driver/sqlite/write-queue.ts'
import { afterLossAt, oneMore } from '../delivery-history.ts'
import { historyText, readHistory } from './history-text.ts'
import { makeReady, park } from './message-rows.ts'

/** Who claims, as one row: its claims are valid while the row is there. */
export interface Owner {
  readonly name: string
  readonly identity: ProcessIdentity
  readonly leaseMs: number
}

/** Makes an owner known. A name that was declared dead gets a new number, so that its old claims stay invalid. */
export function registerOwner({ database }: Transaction, owner: Owner, machineNow: number): number {
  const { pid, startedAt, bootId, pidNamespace } = owner.identity
  const { lastRowId } = database
    .statement(
      `insert into owners (name, pid, started_at, boot_id, pid_namespace, lease_ms, lease_until)
        values (?, ?, ?, ?, ?, ?, ?)`,
    )
    .run([owner.name, pid, startedAt, bootId, pidNamespace, owner.leaseMs, machineNow + owner.leaseMs])
  return lastRowId
}

/** True while nobody has declared the owner dead. One that shows that it lives has its lease renewed when half of it is gone. */
export function isKnownOwner({ database }: Transaction, id: number, machineNow: number): boolean {
  const row = database.statement('select lease_until, lease_ms from owners where id = ?').all([id])[0]
  if (row === undefined) return false
  const leaseMs = Number(row[1])
  if (Number(row[0]) < machineNow + leaseMs / 2)
    database.statement('update owners set lease_until = ? where id = ?').run([machineNow + leaseMs, id])
  return true
}

/** Extends the lease of every owner of that name; false when there is none. */
export function renewLease(database: SqliteDatabase, name: string, machineNow: number): boolean {
  return (
    database.statement('update owners set lease_until = ? + lease_ms where name = ?').run([machineNow, name]).changes >
    0
  )
}

/** Who looks: dead is what this process sees as gone or lapsed. */
export interface Observer {
  readonly identity: ProcessIdentity
  readonly machineNow: number
}

/** Numbers of the owners whose process is gone or whose lease has lapsed. */
export function deadOwners(database: SqliteDatabase, observer: Observer): number[] {
  return database
    .statement(`${selectOwner} order by id`)
    .all([])
    .filter((row) => isDead(row, observer))
    .map(([id]) => Number(id))
}

/**
 * Gives the claims of an owner back to the front of their queues, each with one loss more, and forgets the owner. What has lost workers
 * before waits a while first.
 * Does nothing when it is not dead after all, or somebody was faster.
 */
export function recoverOwner(transaction: Transaction, id: number, observer: Observer): void {
  const row = transaction.database.statement(`${selectOwner} where id = ?`).all([id])[0]
  if (row !== undefined && isDead(row, observer)) removeOwner(transaction, id)
}

/** As {@link recoverOwner}, without asking whether it is dead: for an owner that ends by itself. */
export function removeOwner(transaction: Transaction, id: number): void {
  const { database, now } = transaction
  const claims = database
    .statement('select message, queue, priority, position, cast(past as blob) as past from claims where owner = ?')
    .all([id])
  for (const [message, queue, priority, position, past] of claims) {
    const history = past === null ? undefined : readHistory(textOf(past))
    const longer = oneMore(history, 'loss', now)
    const row = {
      message: Number(message),
      queue: Number(queue),
      priority: Number(priority),
      position: Number(position),
      past: historyText(longer),
    }
    const due = afterLossAt(longer, row.message, now)
    if (due === undefined) makeReady(transaction, row)
    else park(transaction, due, row)
  }
  crashPoint('recover.copied')
  database.statement('delete from claims where owner = ?').run([id])
  database.statement('delete from owners where id = ?').run([id])
}

const selectOwner = `select id, pid, cast(started_at as blob) as started_at, cast(boot_id as blob) as boot_id,
  cast(pid_namespace as blob) as pid_namespace, lease_ms, lease_until from owners`

function isDead(row: SqliteRow, { identity, machineNow }: Observer): boolean {
  const [, pid, startedAt, bootId, pidNamespace, leaseMs, leaseUntil] = row
  const leftMs = Number(leaseUntil) - machineNow
  // More than a lease ahead: the machine's clock has started anew since (where no boot id tells).
  if (leftMs <= 0 || leftMs > Number(leaseMs) + 60_000) return true
  const owner: ProcessIdentity = {
    pid: Number(pid),
    startedAt: textOf(startedAt),
    bootId: textOf(bootId),
    pidNamespace: textOf(pidNamespace),
  }
  return isGone(owner, identity)
}
