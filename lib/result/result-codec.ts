import { DecodeError, MessageTooLarge } from '../base/errors.ts'
import type { Encoded, ErrorRecord } from '../message/encoded.ts'
import { textOf } from '../message/error-text.ts'
import { formatIsoTime } from '../message/iso-time.ts'
import type { Serializer, Serializers } from '../message/serializer.ts'
import { bodySizeBytes } from '../message/wire-message.ts'
import { isFinal, type ResultDocument, type StoredRecord, type TaskState } from './result-record.ts'

export interface ResultCodecOptions {
  /** What documents are written with (`resultSerializer`). */
  readonly serializer: Serializer
  /** How long a record is kept, ms; null keeps it for ever. */
  readonly expiresMs: number | null
  readonly serializers: Serializers
  /** The largest encoded result; the document around it may take a mebibyte more. */
  readonly maxBytes: number
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
   * outside the slot that made it; any other is decoded first. Arguments that can't be encoded, or are too large, are shown as short text.
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

  /** @throws {DecodeError, MessageTooLarge} */
  read(record: StoredRecord): ResultDocument {
    const serializer = this.#options.serializers.accepted(record.contentType)
    if (serializer === undefined)
      throw new DecodeError(
        `Cannot read the result of task ${record.id}: its content type ${record.contentType} is not in \`resultAcceptContent\`.`,
      )
    if (this.#isTooLarge(record.document))
      throw new MessageTooLarge(
        `The stored result of task ${record.id} is ${bodySizeBytes(record.document)} bytes, over the limit of ${this.#options.maxBytes} (resultMaxSize). It was not decoded.`,
      )
    const document = serializer.decode(record.document)
    if (!isDocument(document))
      throw new DecodeError(
        `The stored result of task ${record.id} is no result document; was something else written to its key?`,
      )
    return document
  }

  #document(state: TaskState, result: Encoded | ErrorRecord | undefined, facts: RecordFacts): string | Uint8Array {
    const { children, extended } = facts
    try {
      const document = this.#encode(state, result, facts)
      if (!this.#isTooLarge(document)) return document
    } catch (error) {
      if (extended === undefined) throw error
    }
    // The result itself fits and can be encoded; what makes up the rest need not.
    const shown = extended && { ...extended, args: textOf(extended.args, 1024), kwargs: textOf(extended.kwargs, 1024) }
    return this.#encode(state, result, { ...facts, children: children?.slice(0, 1000), extended: shown })
  }

  #encode(state: TaskState, result: Encoded | ErrorRecord | undefined, facts: RecordFacts): string | Uint8Array {
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

  #isTooLarge(document: string | Uint8Array): boolean {
    const most = this.#options.maxBytes + aroundBytes
    // A UTF-16 unit is at most three bytes of UTF-8: short texts need no count.
    return (typeof document !== 'string' || document.length * 3 > most) && bodySizeBytes(document) > most
  }
}

/** Room for what stands beside the result: a traceback above all. */
const aroundBytes = 1024 * 1024

function isEncoded(result: Encoded | ErrorRecord | undefined): result is Encoded {
  return result !== undefined && 'contentType' in result
}

function isDocument(value: unknown): value is ResultDocument {
  return typeof value === 'object' && value !== null && 'status' in value && typeof value.status === 'string'
}
