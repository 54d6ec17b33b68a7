/** What one message may cost whoever reads it. Over a limit it is refused, never cut. */
export interface MessageLimits {
  /** Bytes of a body as it travels, compressed or not. */
  readonly maxBytes: number
  /** Bytes of a body after decompression. */
  readonly maxDecompressedBytes: number
  /** Levels of arrays and objects inside each other. */
  readonly maxDepth: number
  /** Bytes of all header names and values together, as UTF-8. */
  readonly maxHeaderBytes: number
  /** Signatures in one chain or one list of callbacks; ten times as many in one message. */
  readonly maxSignatures: number
  /** Bytes of an encoded result. */
  readonly maxResultBytes: number
}

/** 16 MiB, 64 MiB decompressed, 256 levels, 64 KiB of headers, chains of 10,000, results of 16 MiB. */
export const defaultMessageLimits: MessageLimits = {
  maxBytes: 16 * 1024 * 1024,
  maxDecompressedBytes: 64 * 1024 * 1024,
  maxDepth: 256,
  maxHeaderBytes: 64 * 1024,
  maxSignatures: 10_000,
  maxResultBytes: 16 * 1024 * 1024,
}
