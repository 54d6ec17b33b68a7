import type { Clock } from '../base/clock.ts'
import type { ResultBackend } from './result-backend.ts'
import type { ResultDocument, StoredRecord } from './result-record.ts'

/** What a result handle needs of its app; the app hands it in, so that results know nothing of brokers and remote control. */
export interface ResultAccess {
  readonly clock: Clock
  /** How long `get()` waits unless told otherwise, ms; null is for ever. */
  readonly defaultTimeoutMs: number | null
  backend(): Promise<ResultBackend>
  /** Calls back when the app is closed. Stop with what it returns. */
  onClose(listener: () => void): () => void
  decode(record: StoredRecord): ResultDocument
  /** The task's error, rebuilt: registered classes as themselves, everything else as `TaskFailed`. */
  errorOf(document: ResultDocument): Error
  revoke(ids: readonly string[], options: RevokeOptions): Promise<void>
}

export interface RevokeOptions {
  /** Also abort it if it runs already; without, a running task goes on. @default false */
  readonly terminate?: boolean | undefined
}
