import { DecodeError } from '../base/errors.ts'

/**
 * Python's dialect of JSON, for the texts that `JSON.parse` refuses or would alter: `NaN`, `Infinity`, `-Infinity`, and integers beyond
 * 2^53, which become BigInt. Otherwise the same: own `__proto__` members, the last of equal keys, lone surrogates.
 * @throws {DecodeError} for anything else, and deeper than `maxDepth` levels
 */
export function parseJson(text: string, maxDepth: number): unknown {
  return new JsonParser(text, maxDepth).parse()
}

/** Longer ones are refused by Python too, and would cost more than linear time here. */
const maxIntegerDigits = 4300
const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** Recursive, and so only as deep as `maxDepth` allows. */
class JsonParser {
  readonly #text: string
  readonly #maxDepth: number
  #at = 0
  #depth = 0

  constructor(text: string, maxDepth: number) {
    this.#text = text
    this.#maxDepth = maxDepth
  }

  parse(): unknown {
    const value = this.#value()
    this.#skipSpace()
    if (this.#at < this.#text.length) this.#refuse('nothing after the value')
    return value
  }

  #value(): unknown {
    const code = this.#skipSpace()
    if (code === 0x22) return this.#string()
    if (code === 0x7b) return this.#object()
    if (code === 0x5b) return this.#array()
    if (code === 0x2d && this.#text.charCodeAt(this.#at + 1) === 0x49) return this.#word('-Infinity', -Infinity)
    if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return this.#number()
    if (code === 0x74) return this.#word('true', true)
    if (code === 0x66) return this.#word('false', false)
    if (code === 0x6e) return this.#word('null', null)
    if (code === 0x4e) return this.#word('NaN', Number.NaN)
    if (code === 0x49) return this.#word('Infinity', Infinity)
    return this.#refuse('a value')
  }

  /** The next character that is no white space, or NaN at the end; not consumed. */
  #skipSpace(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code
      this.#at++
    }
  }

  #word(word: string, value: unknown): unknown {
    if (!this.#text.startsWith(word, this.#at)) this.#refuse('a value')
    this.#at += word.length
    return value
  }

  #number(): number | bigint {
    numberToken.lastIndex = this.#at
    const token = numberToken.exec(this.#text)?.[0]
    if (token === undefined) return this.#refuse('a number')
    this.#at += token.length
    const value = Number(token)
    if (Number.isSafeInteger(value) || !/^-?\d+$/.test(token)) return value
    if (token.length > maxIntegerDigits) return this.#refuse(`an integer of at most ${maxIntegerDigits} digits`)
    return BigInt(token)
  }

  #string(): string {
    const start = this.#at++
    for (;;) {
      const code = this.#text.charCodeAt(this.#at++)
      if (code === 0x22) return this.#text.slice(start + 1, this.#at - 1)
      if (code === 0x5c) return this.#escapedString(start)
      // NaN at the end of the text fails this too.
      if (!(code >= 0x20)) return this.#refuse('the end of a string', start)
    }
  }

  /** From the first backslash, already consumed: finds the end; JSON.parse does the escapes. */
  #escapedString(start: number): string {
    let at = this.#at + 1
    while (this.#text.charCodeAt(at) !== 0x22) {
      if (at >= this.#text.length) this.#refuse('the end of a string', start)
      at += this.#text.charCodeAt(at) === 0x5c ? 2 : 1
    }
    this.#at = at + 1
    try {
      return JSON.parse(this.#text.slice(start, at + 1)) as string
    } catch {
      return this.#refuse('a string', start)
    }
  }

  #array(): unknown[] {
    this.#enter()
    const array: unknown[] = []
    if (this.#skipSpace() !== 0x5d)
      for (;;) {
        array.push(this.#value())
        const code = this.#skipSpace()
        if (code === 0x5d) break
        if (code !== 0x2c) this.#refuse(`',' or ']'`)
        this.#at++
      }
    this.#leave()
    return array
  }

  #object(): object {
    this.#enter()
    const object: Record<string, unknown> = {}
    if (this.#skipSpace() !== 0x7d)
      for (;;) {
        if (this.#skipSpace() !== 0x22) this.#refuse('a key in quotation marks')
        const key = this.#string()
        if (this.#skipSpace() !== 0x3a) this.#refuse(`':'`)
        this.#at++
        setMember(object, key, this.#value())
        const code = this.#skipSpace()
        if (code === 0x7d) break
        if (code !== 0x2c) this.#refuse(`',' or '}'`)
        this.#at++
      }
    this.#leave()
    return object
  }

  #enter(): void {
    if (++this.#depth > this.#maxDepth)
      throw new DecodeError(`The JSON text nests deeper than ${this.#maxDepth} levels.`)
    this.#at++
  }

  #leave(): void {
    this.#depth--
    this.#at++
  }

  #refuse(expected: string, at = this.#at): never {
    // Nothing of the text is quoted: bodies hold what must not get into logs.
    const found = at < this.#text.length ? 'something else is there' : 'the text ends there'
    throw new DecodeError(`Not JSON: expected ${expected} at position ${at}, but ${found}.`)
  }
}

/** Assigning `__proto__` would change the prototype; it is a member like any other. */
function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
