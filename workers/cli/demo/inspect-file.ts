import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { extname } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/** What the demo's task finds out about one file. */
export interface FileFacts {
  readonly bytes: number
  readonly lines: number
  /** Hex. */
  readonly sha256: string
  readonly gzipBytes: number
  readonly language: string
}

/** Reads a file once, in pieces, however large it is. @throws NodeJS.ErrnoException when it can't be read */
export async function inspectFile(path: string, signal?: AbortSignal): Promise<FileFacts> {
  const hash = createHash('sha256')
  let bytes = 0
  let lines = 0
  let lastByte = 10
  let gzipBytes = 0
  const measured = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      hash.update(piece)
      bytes += piece.length
      for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) lines++
      lastByte = piece.at(-1) ?? lastByte
      yield piece
    }
  }
  const counter = new Writable({
    write(piece: Buffer, _encoding, done) {
      gzipBytes += piece.length
      done()
    },
  })
  await pipeline(createReadStream(path), measured, createGzip(), counter, { signal })
  // A last line without a line feed is a line too.
  if (lastByte !== 10) lines++
  return { bytes, lines, sha256: hash.digest('hex'), gzipBytes, language: languageOf(path) }
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
