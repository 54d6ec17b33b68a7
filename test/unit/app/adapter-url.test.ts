import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert } from 'chai'
import { isUrlProblem, readAdapterUrl } from '../../../lib/app/adapter-url.ts'
import { defaultStoreUrl, sqliteUrl } from '../../../lib/app/default-store.ts'

describe('broker and result URLs', () => {
  for (const [url, place] of [
    ['sqlite:///tmp/a.db', { kind: 'sqlite', path: '/tmp/a.db' }],
    ['sqlite:/tmp/a.db', { kind: 'sqlite', path: '/tmp/a.db' }],
    ['sqlite:///tmp/with%20space/100%25.db', { kind: 'sqlite', path: '/tmp/with space/100%.db' }],
    ['sqlite:./a.db', { kind: 'sqlite', path: './a.db' }],
    ['sqlite:a.db', { kind: 'sqlite', path: 'a.db' }],
    ['SQLITE:///tmp/a.db', { kind: 'sqlite', path: '/tmp/a.db' }],
    ['memory://', { kind: 'memory', name: '' }],
    ['memory:', { kind: 'memory', name: '' }],
    ['memory://shop-1/', { kind: 'memory', name: 'shop-1' }],
  ] as const)
    it(`${url} is read`, () => {
      assert.deepEqual(readAdapterUrl(url, 'broker'), place)
    })

  it('sqlite: alone is the default store', () => {
    const place = readAdapterUrl('sqlite:', 'broker')

    assert.isTrue('path' in place && place.path.endsWith('/.umbel/umbel.db'))
  })

  it('disabled:// is for results alone', () => {
    assert.deepEqual(readAdapterUrl('disabled://', 'result backend'), { kind: 'disabled' })
    assert.isTrue(isUrlProblem(readAdapterUrl('disabled://', 'broker')))
  })

  for (const url of ['redis://h:1/2', 'REDISS://:pw@h', 'redis+socket:///a.sock?db=1', 'sentinel://a;sentinel://b/3'])
    it(`${url} is read, for messages and results`, () => {
      for (const use of ['broker', 'result backend'] as const)
        assert.deepEqual(readAdapterUrl(url, use), { kind: 'redis', url })
    })

  for (const [url, says, isLater] of [
    ['redis+cluster://h', 'not supported yet', true],
    ['redis://h/queue', 'database "queue"', false],
    ['pyamqp://h', 'not supported yet', true],
    ['rpc://', 'not supported yet', true],
    ['sqllite:///a.db', 'Did you mean sqlite:?', false],
    ['rediz://h', 'Did you mean redis:?', false],
    ['db+sqlite:///a.db', 'Write sqlite:///path/file.db.', false],
    ['kafka://h', 'This version has sqlite:, memory:', false],
    ['/tmp/a.db', 'is no URL', false],
    ['', 'is no URL', false],
    ['sqlite://a.db', 'names a host', false],
    ['sqlite:///tmp/', 'names a folder', false],
    ['sqlite:///tmp/100%.db', 'percent sign', false],
    ['sqlite:///tmp/a%00b.db', 'cannot be read', false],
    ['sqlite:///a.db?mode=ro', 'options in its URL', false],
    ['memory://a b', 'a name of letters', false],
  ] as const)
    it(`${JSON.stringify(url)} is refused`, () => {
      const problem = readAdapterUrl(url, 'result backend')

      assert.isTrue(isUrlProblem(problem))
      assert.include(problem, { isLater })
      assert.include((problem as { text: string }).text, says)
    })
})

describe('the default store', () => {
  let folder: string
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'umbel-store-')))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('lies beside the nearest package.json, from any folder of the project', () => {
    mkdirSync(join(folder, 'src', 'deep'), { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{}')

    assert.equal(defaultStoreUrl(join(folder, 'src', 'deep')), `sqlite://${folder}/.umbel/umbel.db`)
    assert.equal(defaultStoreUrl(folder), `sqlite://${folder}/.umbel/umbel.db`)
  })

  it('lies in the folder itself where no package.json is anywhere above', () => {
    // Whether there is one above the temporary folder is the machine's affair: the root of the file system has none.
    assert.equal(defaultStoreUrl('/'), 'sqlite:///.umbel/umbel.db')
  })

  it('a path with odd letters comes back from its URL as it was', () => {
    for (const path of ['/tmp/a b/ü%20/#?;.db', '/tmp/日本.db'])
      assert.deepEqual(readAdapterUrl(sqliteUrl(path), 'broker'), { kind: 'sqlite', path })
  })
})
