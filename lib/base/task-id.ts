import { randomUUID } from 'node:crypto'

/** A new random id for a task, a group or a node (UUID version 4, as Celery's `uuid()`). */
export function newId(): string {
  return randomUUID()
}

/** `gen<pid>@<host>`, Celery's name for a process that sends. */
export function originOf(pid: number, host: string): string {
  return `gen${pid}@${host}`
}
