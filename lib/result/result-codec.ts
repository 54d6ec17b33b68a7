import { DecodeError } from '../base/errors.ts'
import type { Encoded, ErrorRecord } from '../message/encoded.ts'
import { formatIsoTime } from '../message/iso-time.ts'
import type { Serializer, Serializers } from '../message/serializer.ts'
import { isFinal, type ResultDocument, type StoredRecord, type TaskState } from './result-record.ts'

export interface ResultCodecOptions {
  /** What documents are written with (`resultSerializer`). */
  readonly serializer: Serializer
  /** How long a record is kept, ms; null keeps it for ever. */
  readonly expiresMs: number | null
  readonly serializers: Serializers
}

/** What a document says beside its state and result. */
export interface RecordFacts {
  readonly id: string
  readonly traceback?: string | null | undefined
  readonly children?: readonly unknown[] | null | undefined
  readonly groupId?: string | undefined
  readonly parentId?: string | undefined
  /** ms since the epoch: the date a final state was reached, and what expiry counts from. */
  readonly now: number
  /** With `resultExtended`: shown to whoever asks later. */
  readonly extended?: ExtendedFacts | undefined
}

export interface ExtendedFacts {
  readonly name: string
  readonly args: unknown
  readonly kwargs: unknown
  readonly worker: string
  readonly retries: number
  readonly queue: string
}

/** Result documents, both ways (wire format: results, section 2). */
export class ResultCodec {
  readonly #options: ResultCodecOptions

  constructor(options: ResultCodecOptions) {
    this.#options = options
  }

  /**
   * The record of a state. An encoded result of the documents' own content type is put in as it is, so that no user's value is decoded
   * outside the slot that made it; any other is decoded first.
   */
  make(state: TaskState, result: Encoded | ErrorRecord | undefined, facts: RecordFacts): StoredRecord {
    const { serializer, expiresMs } = this.#options
    return {
      id: facts.id,
      state,
      document: this.#document(state, result, facts),
      contentType: serializer.contentType,
      expiresAt: expiresMs === null ? undefined : facts.now + expiresMs,
    }
  }

  /** @throws {DecodeError, ContentRefused} */
  read(record: StoredRecord): ResultDocument {
    const serializer = this.#options.serializers.accepted(record.contentType)
    if (serializer === undefined)
      throw new DecodeError(
        `Cannot read the result of task ${record.id}: its content type ${record.contentType} is not in \`resultAcceptContent\`.`,
      )
    const document = serializer.decode(record.document)
    if (!isDocument(document))
      throw new DecodeError(
        `The stored result of task ${record.id} is no result document; was something else written to its key?`,
      )
    return document
  }

  #document(state: TaskState, result: Encoded | ErrorRecord | undefined, facts: RecordFacts): string | Uint8Array {
    const { serializer, serializers } = this.#options
    const { traceback = null, children = null, groupId, parentId, extended } = facts
    const around: Record<string, unknown> = {
      traceback,
      children,
      date_done: isFinal(state) ? formatIsoTime(facts.now) : null,
    }
    if (groupId !== undefined) around['group_id'] = groupId
    if (parentId !== undefined) around['parent_id'] = parentId
    if (extended !== undefined) Object.assign(around, extended)
    around['task_id'] = facts.id
    if (isEncoded(result) && typeof result.data === 'string' && result.contentType === serializer.contentType) {
      const rest = serializer.encode(around)
      if (typeof rest === 'string') return `{"status":${JSON.stringify(state)},"result":${result.data},${rest.slice(1)}`
    }
    const value = isEncoded(result) ? serializers.loaded(result.contentType).decode(result.data) : (result ?? null)
    return serializer.encode({ status: state, result: value, ...around })
  }
}

function isEncoded(result: Encoded | ErrorRecord | undefined): result is Encoded {
  return result !== undefined && 'contentType' in result
}

function isDocument(value: unknown): value is ResultDocument {
  return typeof value === 'object' && value !== null && 'status' in value && typeof value.status === 'string'
}
