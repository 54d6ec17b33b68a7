import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, gzipSync } from 'node:zlib'

/** What the demo's task finds out about one file. */
export interface FileFacts {
  readonly bytes: number
  readonly lines: number
  /** Hex. */
  readonly sha256: string
  readonly gzipBytes: number
  readonly language: string
}

// Larger files are read in pieces; opening streams for small ones costs ten times the work itself.
const wholeBytes = 1_000_000

/** Reads a file once, however large it is. @throws NodeJS.ErrnoException when it can't be read */
export async function inspectFile(path: string, signal?: AbortSignal): Promise<FileFacts> {
  const { size } = await stat(path)
  const tally = new Tally()
  let gzipBytes = 0
  if (size <= wholeBytes) {
    const content = await readFile(path, { signal })
    tally.add(content)
    gzipBytes = gzipSync(content).length
  } else {
    const tallied = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const piece of pieces) {
        tally.add(piece)
        yield piece
      }
    }
    const counter = new Writable({
      write(piece: Buffer, _encoding, done) {
        gzipBytes += piece.length
        done()
      },
    })
    await pipeline(createReadStream(path), tallied, createGzip(), counter, { signal })
  }
  return { ...tally.facts(), gzipBytes, language: languageOf(path) }
}

/** Bytes, lines and hash of a content that comes in pieces. */
class Tally {
  readonly #hash = createHash('sha256')
  #bytes = 0
  #lines = 0
  #lastByte = 10

  add(piece: Buffer): void {
    this.#hash.update(piece)
    this.#bytes += piece.length
    for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) this.#lines++
    this.#lastByte = piece.at(-1) ?? this.#lastByte
  }

  facts(): Pick<FileFacts, 'bytes' | 'lines' | 'sha256'> {
    // A last line without a line feed is a line too.
    const lines = this.#lines + (this.#lastByte === 10 ? 0 : 1)
    return { bytes: this.#bytes, lines, sha256: this.#hash.digest('hex') }
  }
}

const languages: Readonly<Record<string, string>> = {
  '.c': 'C',
  '.cc': 'C++',
  '.cpp': 'C++',
  '.cjs': 'JavaScript',
  '.cs': 'C#',
  '.css': 'CSS',
  '.go': 'Go',
  '.h': 'C',
  '.html': 'HTML',
  '.java': 'Java',
  '.js': 'JavaScript',
  '.json': 'JSON',
  '.jsx': 'JavaScript',
  '.kt': 'Kotlin',
  '.lua': 'Lua',
  '.md': 'Markdown',
  '.mjs': 'JavaScript',
  '.mts': 'TypeScript',
  '.php': 'PHP',
  '.py': 'Python',
  '.rb': 'Ruby',
  '.rs': 'Rust',
  '.sh': 'Shell',
  '.sql': 'SQL',
  '.svg': 'SVG',
  '.swift': 'Swift',
  '.toml': 'TOML',
  '.ts': 'TypeScript',
  '.tsx': 'TypeScript',
  '.txt': 'Text',
  '.xml': 'XML',
  '.yaml': 'YAML',
  '.yml': 'YAML',
}

/** By the extension; files without a known one are `other`. */
export function languageOf(path: string): string {
  return languages[extname(path).toLowerCase()] ?? 'other'
}
