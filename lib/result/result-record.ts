/** How a task stands, as Celery names it. Custom states are any other text. */
export const taskStates = [
  'PENDING',
  'RECEIVED',
  'STARTED',
  'SUCCESS',
  'FAILURE',
  'REVOKED',
  'RETRY',
  'IGNORED',
] as const
export type TaskState = (typeof taskStates)[number] | (string & {})

/** True for states that never change again. @see Celery's READY_STATES */
export function isFinal(state: string): boolean {
  return state === 'SUCCESS' || state === 'FAILURE' || state === 'REVOKED'
}

/** A record as a backend keeps it: Celery's document, already encoded, beside what the backend must know of it. */
export interface StoredRecord {
  /** The task's id. */
  readonly id: string
  readonly state: TaskState
  /** The result document (wire format: results, section 2), encoded by `resultSerializer`. */
  readonly document: string | Uint8Array
  /** Content type of the document. */
  readonly contentType: string
  /** When it may be forgotten, ms since the epoch; undefined keeps it for ever. */
  readonly expiresAt?: number | undefined
}

/** What a result document says. `result` is the decoded value, or the error as {@link ErrorRecord}'s shape. */
export interface ResultDocument {
  readonly status: TaskState
  readonly result: unknown
  readonly traceback: string | null
  /** Result tuples of the tasks that this one sent: `[[id, parent], null]`. */
  readonly children: readonly unknown[] | null
  /** ISO 8601 with six digits; only with a final state. */
  readonly date_done: string | null
  readonly task_id: string
  readonly group_id?: string | undefined
  readonly parent_id?: string | undefined
  /** With `resultExtended`. */
  readonly name?: string | undefined
  readonly args?: unknown
  readonly kwargs?: unknown
  readonly worker?: string | undefined
  readonly retries?: number | undefined
  readonly queue?: string | undefined
}
