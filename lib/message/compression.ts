import * as zlib from 'node:zlib'
import { DecodeError, MessageTooLarge, NotSupported } from '../base/errors.ts'

/**
 * Compresses a serialized body.
 * @param name `gzip` or `zlib`, `brotli`, `zstd` where this Node has it; a content type of theirs will do
 * @returns the content type for the `compression` header, and the compressed bytes
 * @throws {NotSupported} a name that this process cannot serve
 */
export function compress(name: string, data: string | Uint8Array): { contentType: string; data: Uint8Array } {
  const codec = codecOf(name, 'compress')
  return { contentType: codec.contentType, data: codec.compress(data) }
}

/**
 * Takes the compression off a body. One layer only: what comes out is never decompressed again, so nested bombs stay folded.
 * @param contentType value of the `compression` header; the short names are taken too
 * @param maxBytes the most that may come out; decompression stops there, it is not undone afterwards
 * @throws {NotSupported} a compression that this process cannot read
 * @throws {MessageTooLarge} more than `maxBytes`
 * @throws {DecodeError} damaged data
 */
export function decompress(contentType: string, data: Uint8Array, maxBytes: number): Uint8Array {
  const codec = codecOf(contentType, 'decompress')
  try {
    return codec.decompress(data, maxBytes)
  } catch (cause) {
    if (cause instanceof RangeError && (cause as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new MessageTooLarge(
        `The body holds more than ${maxBytes} bytes once its ${codec.names[0]} compression is off (maxDecompressedSize).`,
        { cause },
      )
    throw new DecodeError(`The body is not the ${codec.names[0]} data that its compression header claims.`, { cause })
  }
}

/** The names that {@link compress} takes in this process. */
export function compressionNames(): string[] {
  return codecs.flatMap((codec) => codec.names)
}

/**
 * Checks that a body with this `compression` header could be read here, without touching the body.
 * @throws {NotSupported}
 */
export function checkCompression(contentType: string): void {
  codecOf(contentType, 'decompress')
}

interface Codec {
  readonly contentType: string
  readonly names: readonly string[]
  compress(data: string | Uint8Array): Uint8Array
  decompress(data: Uint8Array, maxBytes: number): Uint8Array
}

/** zstd in `node:zlib`, from Node 22.15 on; not in the types of Node 20. */
const zstd = zlib as unknown as {
  zstdCompressSync?: (data: string | Uint8Array) => Uint8Array
  zstdDecompressSync?: (data: Uint8Array, options: { maxOutputLength: number }) => Uint8Array
}

const codecs: readonly Codec[] = [
  {
    // Celery's "gzip" is a zlib stream (RFC 1950) and no gzip file: gunzip cannot read it.
    contentType: 'application/x-gzip',
    names: ['gzip', 'zlib'],
    compress: (data) => zlib.deflateSync(data),
    decompress: (data, maxBytes) => zlib.inflateSync(data, { maxOutputLength: maxBytes }),
  },
  {
    contentType: 'application/x-brotli',
    names: ['brotli'],
    // Brotli's default, 11, takes some hundred times as long as 5 for about a tenth less.
    compress: (data) => zlib.brotliCompressSync(data, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
    decompress: (data, maxBytes) => zlib.brotliDecompressSync(data, { maxOutputLength: maxBytes }),
  },
  ...(zstd.zstdCompressSync !== undefined && zstd.zstdDecompressSync !== undefined
    ? [
        {
          contentType: 'application/zstd',
          names: ['zstd', 'zstandard'],
          compress: zstd.zstdCompressSync,
          decompress: (data: Uint8Array, maxBytes: number) =>
            zstd.zstdDecompressSync!(data, { maxOutputLength: maxBytes }),
        },
      ]
    : []),
]

const codecByName = new Map<string, Codec>(
  codecs.flatMap((codec) => [codec.contentType, ...codec.names].map((name) => [name, codec])),
)

/** Celery's further compressions, which Node has no code for. */
const unavailable = new Map([
  ['application/x-bz2', 'bzip2'],
  ['bzip2', 'bzip2'],
  ['bzip', 'bzip2'],
  ['application/x-lzma', 'lzma'],
  ['lzma', 'lzma'],
  ['xz', 'lzma'],
  ['application/zstd', 'zstd'],
  ['zstd', 'zstd'],
  ['zstandard', 'zstd'],
])

function codecOf(name: string, act: 'compress' | 'decompress'): Codec {
  const codec = codecByName.get(name)
  if (codec !== undefined) return codec
  const known = unavailable.get(name)
  const reason =
    known === undefined
      ? `no compression is named "${name.slice(0, 80)}"`
      : known === 'zstd'
        ? 'zstd needs Node 22.15 or newer'
        : `Node has no ${known}`
  const names = compressionNames().join(', ')
  throw new NotSupported(
    `Could not ${act} a body: ${reason}. Here are: ${names}. Set the sender's compression to one of them.`,
  )
}
