import type { Service } from '../base/service.ts'
import type { StoredRecord } from './result-record.ts'

/**
 * Keeps how tasks ended. A final record (SUCCESS, FAILURE, REVOKED) is never overwritten by a later one, whatever its state;
 * other states overwrite each other. Records end at `expiresAt`; for some time after that `fetch` still says that there was one.
 */
export interface ResultBackend extends Service {
  readonly capabilities: ResultBackendCapabilities
  /** As {@link Broker.store}; equal when both are one store. */
  readonly store: string
  /** @throws {BrokerUnavailable, StoreFull} when none of them was stored */
  keep(records: readonly StoredRecord[]): Promise<void>
  /** In the order of the ids. */
  fetch(ids: readonly string[]): Promise<Fetched[]>
  /**
   * Calls back with every state seen from now on, first with what is stored already. States that follow each other quickly may be
   * seen as the last of them; a final one is always seen. Costs nothing while nothing changes. Stop it with what it returns.
   */
  watch(id: string, onChange: (found: Fetched) => void): () => void
  /** Removes records, also their traces of expiry. */
  forget(ids: readonly string[]): Promise<void>
}

export interface ResultBackendCapabilities {
  /** False for `disabled://`: `get()` is refused with a reason instead of waiting. */
  readonly keepsResults: boolean
  /** Other processes see the records. */
  readonly sharedByProcesses: boolean
}

/** What is known of one id: a record, that it had one which expired, or nothing (not sent, not started, or long gone). */
export type Fetched =
  | { readonly kind: 'record'; readonly record: StoredRecord }
  | { readonly kind: 'expired'; readonly state: string }
  | { readonly kind: 'absent' }
