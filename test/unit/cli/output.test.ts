import { PassThrough } from 'node:stream'
import { assert } from 'chai'
import { Output, shown } from '../../../workers/cli/output.ts'

function capture(options: { json?: boolean; quiet?: boolean; colour?: boolean; isTTY?: boolean } = {}) {
  const written = { out: '', err: '' }
  const sink = (name: 'out' | 'err') => ({
    isTTY: options.isTTY ?? false,
    write: (text: string) => {
      written[name] += text
    },
  })
  const stdin = Object.assign(new PassThrough(), { isTTY: options.isTTY ?? false })
  const { json = false, quiet = false, colour = true } = options
  return { out: new Output({ json, quiet, colour, stdout: sink('out'), stderr: sink('err'), stdin }), written, stdin }
}

describe('output of the command line', () => {
  it('without --json, lines are written and values are not', () => {
    const { out, written } = capture()

    out.line('hello')
    out.value({ a: 1 })

    assert.equal(written.out, 'hello\n')
  })

  it('with --json, one value is written and lines are not', () => {
    const { out, written } = capture({ json: true })

    out.line('hello')
    out.table(['A'], [['b']])
    out.value({ a: 1 })

    assert.deepEqual(JSON.parse(written.out), { a: 1 })
  })

  it('JSON keeps big integers, and says in text what it cannot', () => {
    const { out } = capture()

    assert.equal(out.asJson(12345678901234567890n), '12345678901234567890')
    assert.equal(JSON.parse(out.asJson(Symbol('s'))), 'Symbol(s)')
  })

  it('aligns tables, numbers to the right', () => {
    const { out, written } = capture()

    out.table(
      ['QUEUE', 'N'],
      [
        ['mail', 5],
        ['a-long-name', 12345],
      ],
    )

    assert.equal(written.out, 'QUEUE            N\nmail             5\na-long-name  12345\n')
  })

  it('escapes what came from elsewhere', () => {
    const { out, written } = capture()

    out.table(['NAME'], [['\u001b[2J\nforged']])
    out.note('\u001b]0;x\u0007')
    out.error('two\nlines \u009b')

    assert.equal(written.out, 'NAME\n\\u001b[2J\\nforged\n')
    assert.equal(written.err, '\\u001b]0;x\\u0007\nerror: two\nlines \\u009b\n')
    assert.equal(shown('\r'), '\\r')
  })

  it('masks passwords in errors', () => {
    const { out, written } = capture()

    out.error('cannot reach redis://u:hush@h')

    assert.notInclude(written.err, 'hush')
  })

  it('errors are JSON with --json', () => {
    const { out, written } = capture({ json: true })

    out.error('no', 'UMBEL_TIMEOUT')

    assert.deepEqual(JSON.parse(written.err), { error: { code: 'UMBEL_TIMEOUT', message: 'no' } })
    assert.equal(written.out, '')
  })

  it('--quiet leaves out notes, not errors', () => {
    const { out, written } = capture({ quiet: true })

    out.note('by the way')
    out.error('no')

    assert.equal(written.err, 'error: no\n')
  })

  it('colours only a terminal, and not with --no-color, NO_COLOR or a dumb one', () => {
    const before = { NO_COLOR: process.env['NO_COLOR'], TERM: process.env['TERM'] }
    const painted = (options: Parameters<typeof capture>[0]) => capture(options).out.paint('red', 'x') !== 'x'
    try {
      delete process.env['NO_COLOR']
      process.env['TERM'] = 'xterm'
      assert.isTrue(painted({ isTTY: true }))
      assert.isFalse(painted({ isTTY: false }))
      assert.isFalse(painted({ isTTY: true, colour: false }))
      process.env['TERM'] = 'dumb'
      assert.isFalse(painted({ isTTY: true }))
      process.env['TERM'] = 'xterm'
      process.env['NO_COLOR'] = '1'
      assert.isFalse(painted({ isTTY: true }))
    } finally {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
  })

  it('asks only where both ends are a terminal and the answer is not JSON', () => {
    assert.isTrue(capture({ isTTY: true }).out.canAsk)
    assert.isFalse(capture({ isTTY: false }).out.canAsk)
    assert.isFalse(capture({ isTTY: true, json: true }).out.canAsk)
  })

  for (const [answer, meant] of [
    ['y\n', true],
    ['YES\n', true],
    ['\n', false],
    ['yesterday\n', false],
  ] as const)
    it(`the answer ${JSON.stringify(answer)} is ${meant ? 'a yes' : 'a no'}`, async () => {
      const { out, stdin } = capture({ isTTY: true })

      const asking = out.confirm('Sure?', new AbortController().signal)
      stdin.write(answer)

      assert.equal(await asking, meant)
    })

  it('Ctrl-C at a question is a no', async () => {
    const { out } = capture({ isTTY: true })
    const aborter = new AbortController()

    const asking = out.confirm('Sure?', aborter.signal)
    aborter.abort()

    assert.isFalse(await asking)
  })
})
