// What get() makes of records that somebody else wrote to the result store (S02, F36).
import { assert } from 'chai'
import { silentLogger } from '../../lib/base/logger.ts'
import { TaskFailed, Umbel } from '../../lib/index.ts'

const around = '"traceback":null,"children":[],"date_done":null,"task_id":"x"'
const success = (result: string): string => `{"status":"SUCCESS","result":${result},${around}}`
const failure = (result: string): string => `{"status":"FAILURE","result":${result},${around}}`
const json = 'application/json'

describe('a hostile record', () => {
  let app: Umbel
  before(() => {
    app = new Umbel('results', { broker: 'memory://', logger: silentLogger }, { env: {} })
  })
  after(() => app.close())
  afterEach(() => assert.isUndefined(({} as { polluted?: unknown }).polluted))

  /** What get() gives, or throws, of a record. */
  async function got(document: string | Uint8Array, contentType = json, state = 'SUCCESS'): Promise<any> {
    const id = `record-${Math.abs(document.length)}-${app.clock.monotonic()}`
    await (await app.resultBackend()).keep([{ id, state, document, contentType }])
    return app
      .result(id)
      .get({ timeout: '5s' })
      .catch((error: unknown) => ({ thrown: error }))
  }

  const refused: [name: string, document: string | Uint8Array, contentType: string, code: string][] = [
    ['that is empty', '', json, 'UMBEL_DECODE'],
    ['that is half', success('1').slice(0, 20), json, 'UMBEL_DECODE'],
    ['that is no UTF-8', Uint8Array.of(0xff, 0xfe), json, 'UMBEL_DECODE'],
    ['that is a list', '[1]', json, 'UMBEL_DECODE'],
    ['that is null', 'null', json, 'UMBEL_DECODE'],
    ['whose status is an object', `{"status":{},${around}}`, json, 'UMBEL_DECODE'],
    ['whose status is inherited', '{"__proto__":{"status":"SUCCESS"}}', json, 'UMBEL_DECODE'],
    ['that is a typed value', '{"__type__":"x","__value__":{"status":"SUCCESS"}}', json, 'UMBEL_DECODE'],
    ['of 1,000,000 levels', success(`${'['.repeat(1e6)}${']'.repeat(1e6)}`), json, 'UMBEL_DECODE'],
    ['of pickle', 'cos\nsystem\n(S"id"\ntR.', 'application/x-python-serialize', 'UMBEL_DECODE'],
    ['of a content type named __proto__', success('1'), '__proto__', 'UMBEL_DECODE'],
    ['of 100 MB', success(`"${'x'.repeat(100_000_000)}"`), json, 'UMBEL_MESSAGE_TOO_LARGE'],
    ['of 16 MB of empty objects', success(`[${'{},'.repeat(5_300_000)}0]`), json, 'UMBEL_MESSAGE_TOO_LARGE'],
  ]
  for (const [name, document, contentType, code] of refused)
    it(`${name} is refused: ${code}`, async () => {
      const { thrown } = await got(document, contentType)

      assert.propertyVal(thrown, 'code', code)
      assert.isBelow(thrown.message.length, 500)
    })

  it('is refused before it is decoded, by a limit of its own', async () => {
    const small = new Umbel('small', { broker: 'memory://', logger: silentLogger, resultMaxSize: 2048 }, { env: {} })
    await (await small.resultBackend()).keep([
      { id: 'large', state: 'SUCCESS', document: `${'x'.repeat(1024 * 1024 + 3000)}`, contentType: json },
    ])

    const error = await small
      .result('large')
      .get({ timeout: '5s' })
      .catch((thrown: unknown) => thrown)

    assert.propertyVal(error, 'code', 'UMBEL_MESSAGE_TOO_LARGE')
    assert.match((error as Error).message, /resultMaxSize/)
    await small.close()
  })

  it('that names a module of Node’s, or a class of JavaScript’s inner life, is a plain TaskFailed', async () => {
    for (const [type, module] of [
      ['exec', 'child_process'],
      ['Function', 'js'],
      ['__proto__', '__proto__'],
      ['constructor', 'constructor'],
      ['system', 'os'],
    ]) {
      const { thrown } = await got(
        failure(JSON.stringify({ exc_type: type, exc_message: ['rm -rf /'], exc_module: module })),
        json,
        'FAILURE',
      )

      assert.instanceOf(thrown, TaskFailed, type)
      assert.deepEqual([thrown.type, thrown.module, thrown.args], [type, module, ['rm -rf /']])
    }
  })

  it('whose error is none is a plain TaskFailed', async () => {
    for (const result of [
      'null',
      '5',
      '[]',
      '{}',
      '{"exc_type":{}}',
      '{"exc_type":"a b\\n","exc_message":5}',
      '"text"',
    ]) {
      const { thrown } = await got(failure(result), json, 'FAILURE')

      assert.instanceOf(thrown, TaskFailed, result)
      assert.equal(thrown.type, 'Exception')
    }
  })

  it('whose error has a million arguments is one in a moment', async () => {
    const args = `[${'{"a":[1]},'.repeat(300_000)}0]`
    const { thrown } = await got(failure(`{"exc_type":"E","exc_message":${args},"exc_module":"m"}`), json, 'FAILURE')

    assert.instanceOf(thrown, TaskFailed)
    assert.isBelow(thrown.message.length, 100_000)
  })

  it('keeps values exact that JSON.parse would change', async () => {
    const value = await got(
      success(
        '[9007199254740993, -9007199254740993, NaN, Infinity, -Infinity, "\\ud800", 1e400, 123456789012345678901]',
      ),
    )

    assert.deepEqual(value, [
      2n ** 53n + 1n,
      -(2n ** 53n) - 1n,
      Number.NaN,
      Infinity,
      -Infinity,
      '\ud800',
      Infinity,
      123456789012345678901n,
    ])
  })

  it('with __proto__ anywhere is data, and changes no prototype', async () => {
    const value = await got(
      success(
        '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"a":[{"__proto__":{"polluted":true}}]}',
      ),
    )

    assert.deepEqual(Object.keys(value), ['__proto__', 'constructor', 'a'])
    assert.strictEqual(Object.getPrototypeOf(value), Object.prototype)
    assert.isUndefined(value.polluted)
  })

  it('with junk for its children and traceback can be asked for them', async () => {
    const id = 'junk'
    const document = `{"status":"SUCCESS","result":1,"traceback":{"a":1},"children":{"length":4000000000},"date_done":5,"task_id":[]}`
    await (await app.resultBackend()).keep([{ id, state: 'SUCCESS', document, contentType: json }])

    assert.deepEqual(await app.result(id).children(), [])
    assert.equal(await app.result(id).get({ timeout: '5s' }), 1)
    assert.deepEqual((await app.result(id).graph()).children, [])
  })
})
