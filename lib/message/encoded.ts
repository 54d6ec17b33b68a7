/** A value after its serializer: what may cross a thread or process boundary, be stored or sent, without decoding. */
export interface Encoded {
  readonly contentType: string
  readonly contentEncoding: string
  /** Text stands for its UTF-8 bytes. */
  readonly data: string | Uint8Array
}

/** An error as it travels: Celery's stored exception (wire format: results, section 4). */
export interface ErrorRecord {
  /** The qualified class name in its module: `ValueError`, `OutOfStock`. */
  readonly exc_type: string
  /** The constructor's arguments; each that can't be encoded is its text. */
  readonly exc_message: readonly unknown[]
  /** `builtins`, `celery.exceptions`, `shop.errors` …; null where the sender said none. */
  readonly exc_module: string | null
}
