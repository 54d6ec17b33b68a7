/** How long traces of expired results are kept at least; filed by the day on which the result expires. */
const dayMs = 86_400_000
/** A hash of up to 512 short fields takes Redis little more than the fields’ own bytes: room for eight million results a day. */
const buckets = 16_384

/**
 * The keys of results in Redis.
 *
 * | key | type | owner | content |
 * | --- | --- | --- | --- |
 * | `celery-task-meta-<id>` | string | Celery | the result document; also the channel on which it is published |
 * | `umbel-record-<id>` | string | ours | state and content type of a document that doesn't tell them; documents of Celery's form all do |
 * | `umbel-expired-<day>-<n>` | hash | ours | task id → state: what expires on that day, counted from 1970; gone a day later |
 */
export class ResultKeys {
  readonly prefix: string

  /** @param keyPrefix the option `globalKeyprefix`, to which Celery adds `_` unless it ends in a mark that separates */
  constructor(keyPrefix = '') {
    this.prefix = keyPrefix === '' || /[:_.-]$/.test(keyPrefix) ? keyPrefix : `${keyPrefix}_`
  }

  document(id: string): string {
    return `${this.prefix}celery-task-meta-${id}`
  }

  /** Followed by the id. */
  get sidePrefix(): string {
    return `${this.prefix}umbel-record-`
  }

  /** Followed by the day, `-`, and {@link bucket}. */
  get tracePrefix(): string {
    return `${this.prefix}umbel-expired-`
  }

  /** Where the trace of a result stands that expires then, and until when that is kept, both ms since the epoch. */
  trace(id: string, expiresAt: number): { readonly key: string; readonly until: number } {
    const day = dayOf(expiresAt)
    return { key: `${this.tracePrefix}${day}-${bucket(id)}`, until: (day + 2) * dayMs }
  }
}

/** Days since 1970, as trace keys have them. */
export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs)
}

/** The part of a trace key that comes from the id. */
export function bucket(id: string): number {
  let hash = 0
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) | 0
  // Ids of one moment differ at their end, which by itself would reach the lowest bits alone.
  return ((hash ^ (hash >>> 15)) >>> 0) % buckets
}
