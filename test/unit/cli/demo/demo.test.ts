import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { assert } from 'chai'
import { reportOf } from '../../../../workers/cli/demo/demo-report.ts'
import { inspectFile, languageOf } from '../../../../workers/cli/demo/inspect-file.ts'
import { listFiles } from '../../../../workers/cli/demo/list-files.ts'

describe('demo', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'umbel-demo-test-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const list = async (): Promise<string[]> => {
    const paths: string[] = []
    for await (const path of listFiles(folder)) paths.push(relative(folder, path))
    return paths.sort()
  }

  it('lists files at any depth, but for .git and node_modules, and does not follow links to folders', async () => {
    for (const name of ['.git', 'node_modules', 'src', 'src/deep']) mkdirSync(join(folder, name))
    for (const name of ['.git/HEAD', 'node_modules/x.js', 'a.ts', 'src/b.ts', 'src/deep/c.ts'])
      writeFileSync(join(folder, name), 'x')
    symlinkSync(folder, join(folder, 'loop'))
    symlinkSync(join(folder, 'gone'), join(folder, 'dangling'))

    assert.deepEqual(await list(), ['a.ts', 'dangling', 'src/b.ts', 'src/deep/c.ts'])
  })

  it('counts bytes, lines, hash and gzip size of a file of several megabytes', async () => {
    const content = Buffer.concat([randomBytes(3_000_000), Buffer.from('\nlast line without an end')])
    const path = join(folder, 'big.bin')
    writeFileSync(path, content)

    const facts = await inspectFile(path)

    assert.equal(facts.bytes, content.length)
    assert.equal(facts.lines, content.filter((byte) => byte === 10).length + 1)
    assert.equal(facts.sha256, createHash('sha256').update(content).digest('hex'))
    assert.approximately(facts.gzipBytes, gzipSync(content).length, 2000)
    assert.equal(facts.language, 'other')
  })

  it('an empty file has no line, and one with a last line feed no extra line', async () => {
    writeFileSync(join(folder, 'empty.py'), '')
    writeFileSync(join(folder, 'two.py'), 'a\nb\n')

    assert.include(await inspectFile(join(folder, 'empty.py')), { bytes: 0, lines: 0, language: 'Python' })
    assert.include(await inspectFile(join(folder, 'two.py')), { bytes: 4, lines: 2 })
  })

  it('a file that cannot be read fails with its path', async () => {
    const path = join(folder, 'missing')

    const error = await inspectFile(path).then(
      () => undefined,
      (reason: Error) => reason,
    )

    assert.include(error?.message, path)
  })

  it('knows languages by extension, whatever its case', () => {
    assert.deepEqual(['A.TS', 'b.py', 'c', 'd.unknown'].map(languageOf), ['TypeScript', 'Python', 'other', 'other'])
  })

  it('sums up files, languages, duplicates and waits, and keeps failures apart', () => {
    const facts = (bytes: number, sha256: string, language = 'TypeScript') => ({
      bytes,
      lines: 1,
      sha256,
      gzipBytes: 1,
      language,
    })
    const entries = [
      { path: 'a', facts: facts(10, 'h1'), error: undefined, waitedMs: 1 },
      { path: 'b', facts: facts(10, 'h1'), error: undefined, waitedMs: 3 },
      { path: 'c', facts: facts(30, 'h2', 'Python'), error: undefined, waitedMs: 2 },
      { path: 'd', facts: undefined, error: 'no such file', waitedMs: 4 },
    ]

    const report = reportOf(entries, { listed: 4, seconds: 2 })

    assert.include(report, { files: 4, bytes: 50, lines: 3, tasksPerSecond: 2, p50: 3, p99: 4 })
    assert.deepEqual(report.failed, [{ path: 'd', error: 'no such file' }])
    assert.deepEqual(report.largest, { path: 'c', bytes: 30 })
    assert.deepEqual(report.duplicates, [{ sha256: 'h1', bytes: 10, paths: ['a', 'b'] }])
    assert.deepEqual(
      report.languages.map(({ language, files }) => [language, files]),
      [
        ['Python', 1],
        ['TypeScript', 2],
      ],
    )
  })

  it('a file that is missing and one that is there twice are told', () => {
    const entry = { path: 'a', facts: undefined, error: 'x', waitedMs: 1 }

    assert.include(reportOf([entry, entry], { listed: 2, seconds: 1 }), { missing: 1, repeated: 1 })
  })

  it('an empty folder makes a report of nothing', () => {
    assert.include(reportOf([], { listed: 0, seconds: 0 }), { files: 0, tasksPerSecond: 0, p50: 0, p99: 0 })
  })
})
