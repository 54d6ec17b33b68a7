import { deflateSync, inflateSync } from 'node:zlib'

/** Random numbers from a seed: the same seed gives the same mutation on every machine. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, not including, `below`. */
  roll(below: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.roll(items.length)]!
  }
}

/** A stored envelope: our brokers' one line of JSON, or bytes that no longer are one. */
export type Envelope = string | Uint8Array

/** One envelope, changed in one to four places. */
export function mutated(envelope: string, dice: Dice): Envelope {
  let changed: Envelope = envelope
  for (let changes = 1 + dice.roll(4); changes > 0; changes--) changed = dice.pick(mutators)(changed, dice)
  return changed
}

type Mutator = (envelope: Envelope, dice: Dice) => Envelope

const mutators: readonly Mutator[] = [
  // Changes of the parsed envelope come more than once: those of its text mostly end at the parser.
  inNodes(['headers']),
  inNodes(['headers']),
  inNodes(['headers']),
  inNodes(['properties']),
  inNodes([]),
  inBody(changeNode),
  inBody(changeNode),
  inBody(changeNode),
  inBody(changeText),
  (envelope, dice) => changeText(textOf(envelope), dice),
  flipByte,
  truncate,
]

function textOf(envelope: Envelope): string {
  return typeof envelope === 'string' ? envelope : Buffer.from(envelope).toString('utf8')
}

/** Text that `JSON.stringify` would not write, put where a string was: raw tokens, keys that repeat. */
const rawTokens = [
  'NaN',
  '-Infinity',
  'Infinity',
  '9007199254740993',
  '-9007199254740993',
  `1${'0'.repeat(60)}`,
  '9'.repeat(5000),
  '1e400',
  '-0',
  '-0.0',
  '1E-400',
  '"\\ud800"',
  '{"a":1,"a":2}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  `${'['.repeat(300)}${']'.repeat(300)}`,
  `${'{"a":'.repeat(120)}1${'}'.repeat(120)}`,
]
const rawMark = 'raw token '

const values: readonly ((dice: Dice) => unknown)[] = [
  () => null,
  () => true,
  () => '',
  () => 0,
  () => -1,
  () => 1.5,
  () => 4_294_967_296,
  () => 1e308,
  () => 'x',
  () => 'cap.echo',
  () => '__proto__',
  () => 'constructor',
  () => '../x',
  () => 'a\u0000b\n\u001b[31m\u202e\u2028',
  () => '\ud83d',
  () => '😀'.repeat(100),
  () => 'x'.repeat(300),
  () => 'x'.repeat(70_000),
  () => '2026-01-01T00:00:00+00:00',
  () => '9999-12-31T23:59:59.999999-23:59',
  () => '0001-01-01T00:00:00+23:59',
  () => 'application/x-gzip',
  () => 'application/x-msgpack',
  () => 'application/x-python-serialize',
  () => 'base64',
  () => 'pickle',
  () => [],
  () => [[]],
  () => [null, null],
  () => [-1, '1'],
  () => ({}),
  () => ({ length: 4e9 }),
  () => JSON.parse('{"toString":1,"valueOf":2,"toJSON":3,"then":4}'),
  () => ({ __type__: 'datetime', __value__: 'never' }),
  () => ({ __type__: 'bytes', __value__: '\ud800' }),
  () => ({ __type__: 'base64', __value__: '%%%' }),
  () => ({ __type__: 'uuid', __value__: { hex: 5 } }),
  () => ({ task: 'cap.echo', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false }),
  () => [{ task: 'cap.echo', args: [1], kwargs: {}, options: { queue: 'other', countdown: 1e300 } }],
  () => [{ task: 'cap.echo', args: [1], kwargs: {}, options: { exchange: 'amq.topic', priority: -7 } }],
  () => [{ task: 'cap.echo', args: [], kwargs: {}, options: { serializer: 'pickle', headers: { id: 'x' } } }],
  () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  (dice) => nested(dice.pick([5, 50, 99, 101, 256, 257])),
  (dice) => Array.from({ length: dice.pick([3, 100, 5000]) }, () => 0),
  (dice) => rawMark + dice.roll(rawTokens.length),
]

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

const keys = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'task',
  'id',
  'eta',
  'expires',
  'timelimit',
  'retries',
  'compression',
  'callbacks',
  'errbacks',
  'chain',
  'chord',
  'priority',
  'correlationId',
  'replyTo',
  'args',
  'kwargs',
  'options',
  'body',
  'base64',
  'type',
  'encoding',
  'route',
  'a\u0000\n\u001b',
]

/** Changes something below one member of the envelope, or anywhere in it. */
function inNodes(below: readonly string[]): Mutator {
  return (envelope, dice) => {
    const parsed = parse(textOf(envelope))
    if (parsed === undefined) return flipByte(envelope, dice)
    const root = below.reduce<unknown>((node, name) => childOf(node, name), parsed)
    changeIn(typeof root === 'object' && root !== null ? root : parsed, dice)
    return write(parsed)
  }
}

/** Changes the text of the body, decompressed and out of base64 where it is, and packs it as it was. */
function inBody(change: (text: string, dice: Dice) => string): Mutator {
  return (envelope, dice) => {
    const parsed = parse(textOf(envelope))
    if (parsed === undefined) return flipByte(envelope, dice)
    const { body, base64 } = parsed
    if (typeof body === 'string') return write({ ...parsed, body: change(body, dice) })
    if (typeof base64 !== 'string') return write({ ...parsed, body: change('[[1], {}, {}]', dice) })
    const bytes = Buffer.from(base64, 'base64')
    const plain = inflated(bytes)
    if (plain !== undefined)
      return write({ ...parsed, base64: deflateSync(change(plain.toString('utf8'), dice)).toString('base64') })
    if (bytes[0] === 0x5b || bytes[0] === 0x7b)
      return write({ ...parsed, base64: Buffer.from(change(bytes.toString('utf8'), dice)).toString('base64') })
    return write({ ...parsed, base64: Buffer.from(flipByte(bytes, dice)).toString('base64') })
  }
}

function inflated(bytes: Buffer): Buffer | undefined {
  try {
    return bytes[0] === 0x78 ? inflateSync(bytes, { maxOutputLength: 1_000_000 }) : undefined
  } catch {
    return undefined
  }
}

function changeNode(text: string, dice: Dice): string {
  const parsed = parse(text)
  if (parsed === undefined) return changeText(text, dice)
  changeIn(parsed, dice)
  return write(parsed)
}

/** Replaces, removes, adds or doubles one member, somewhere in a tree. */
function changeIn(root: object, dice: Dice): void {
  let node = root
  for (;;) {
    const inner = Object.values(node).filter((value): value is object => typeof value === 'object' && value !== null)
    if (inner.length === 0 || dice.roll(3) === 0) break
    node = dice.pick(inner)
  }
  const names = Object.keys(node)
  const name = names.length === 0 ? '0' : dice.pick(names)
  const how = dice.roll(6)
  if (how === 0) Reflect.deleteProperty(node, name)
  else if (how === 1 && Array.isArray(node)) node.push(childOf(node, name))
  else if (how === 1) define(node, dice.pick(keys), childOf(node, name))
  else if (how === 2 && !Array.isArray(node)) define(node, dice.pick(keys), dice.pick(values)(dice))
  else define(node, name, dice.pick(values)(dice))
}

function define(node: object, name: string, value: unknown): void {
  // An index beyond the list would make holes, and `length` a list of any size.
  if (Array.isArray(node)) node.splice(Number(name) || 0, 1, value)
  else Object.defineProperty(node, name, { value, enumerable: true, configurable: true, writable: true })
}

function childOf(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null && Object.hasOwn(node, name)
    ? (node as Record<string, unknown>)[name]
    : undefined
}

/** Takes a piece out, puts a piece in: one of its own, or a token. */
function changeText(text: string, dice: Dice): string {
  const at = dice.roll(text.length + 1)
  const cut = dice.roll(6)
  const from = dice.roll(text.length + 1)
  const piece = dice.pick([
    () => '',
    () => text.slice(from, from + dice.roll(40)),
    () => dice.pick(rawTokens),
    () => dice.pick(['{', '}', '[', ']', '"', '\\', ',', ':', '\\u0000', '\u0000', '\n', '\ufeff', '\\ud800']),
    () => String.fromCharCode(dice.roll(0x10000)),
  ])()
  return text.slice(0, at) + piece + text.slice(at + cut)
}

function flipByte(envelope: Envelope, dice: Dice): Uint8Array {
  const bytes = Buffer.from(typeof envelope === 'string' ? Buffer.from(envelope) : envelope)
  if (bytes.length > 0) bytes[dice.roll(bytes.length)]! ^= 1 << dice.roll(8)
  return bytes
}

function truncate(envelope: Envelope, dice: Dice): Envelope {
  return envelope.slice(0, dice.roll(envelope.length))
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** As JSON, with the marked places replaced by tokens that no value stringifies to. */
function write(value: unknown): string {
  return JSON.stringify(value).replaceAll(/"raw token (\d+)"/g, (_, number: string) => rawTokens[Number(number)]!)
}
