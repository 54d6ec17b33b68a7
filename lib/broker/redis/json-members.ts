import { DecodeError } from '../../base/errors.ts'

/*
 * Changes single members of a JSON text and leaves every other byte as it is: what a parser and a writer would alter (integers beyond
 * 2^53, the order of keys, NaN) is somebody else's. Only for texts that parse.
 */

/** Sets a member of the objects that the path leads through; a value of undefined removes it. Nothing changes where the path ends early. */
export function withMember(text: string, path: readonly string[], json: string | undefined): string {
  return change(text, skipSpace(text, 0), path, json)
}

interface Member {
  readonly keyStart: number
  readonly valueStart: number
  readonly valueEnd: number
}

function change(text: string, at: number, path: readonly string[], json: string | undefined): string {
  const [name, ...rest] = path
  if (text[at] !== '{') return text
  const { found, first, end } = findMember(text, at, name!)
  if (rest.length > 0) return found === undefined ? text : change(text, found.valueStart, rest, json)
  if (found !== undefined) {
    const { valueStart, valueEnd } = found
    return json === undefined ? without(text, found) : text.slice(0, valueStart) + json + text.slice(valueEnd)
  }
  if (json === undefined) return text
  return `${text.slice(0, end)}${first ? '' : ', '}${JSON.stringify(name)}: ${json}${text.slice(end)}`
}

/** The last member of that name, which is the one that readers take. */
function findMember(
  text: string,
  start: number,
  name: string,
): { found: Member | undefined; first: boolean; end: number } {
  let found: Member | undefined
  let at = skipSpace(text, start + 1)
  if (text[at] === '}') return { found, first: true, end: at }
  for (;;) {
    const keyStart = at
    const keyEnd = skipString(text, at)
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const valueEnd = skipValue(text, valueStart)
    if (isName(text, keyStart, keyEnd, name)) found = { keyStart, valueStart, valueEnd }
    at = skipSpace(text, valueEnd)
    if (text[at] === '}') return { found, first: false, end: at }
    if (text[at] !== ',') throw unexpected()
    at = skipSpace(text, at + 1)
  }
}

/** Without the member and one of the commas beside it. */
function without(text: string, { keyStart, valueEnd }: Member): string {
  const after = skipSpace(text, valueEnd)
  if (text[after] === ',') return text.slice(0, keyStart) + text.slice(skipSpace(text, after + 1))
  let before = keyStart
  while (before > 0 && isSpace(text.charCodeAt(before - 1))) before--
  return text.slice(0, text[before - 1] === ',' ? before - 1 : before) + text.slice(valueEnd)
}

function isName(text: string, start: number, end: number, name: string): boolean {
  const key = text.slice(start + 1, end - 1)
  return key === name || (key.includes('\\') && JSON.parse(`"${key}"`) === name)
}

function skipValue(text: string, start: number): number {
  const code = text.charCodeAt(start)
  if (code === 0x22) return skipString(text, start)
  if (code === 0x7b || code === 0x5b) return skipNested(text, start)
  let at = start
  for (; at < text.length; at++) {
    const inside = text.charCodeAt(at)
    if (inside === 0x2c || inside === 0x7d || inside === 0x5d || isSpace(inside)) break
  }
  return at
}

function skipNested(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      at = skipString(text, at)
      continue
    }
    at++
    if (code === 0x7b || code === 0x5b) depth++
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) return at
  }
  throw unexpected()
}

function skipString(text: string, start: number): number {
  if (text[start] !== '"') throw unexpected()
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (code === 0x5c) at++
  }
  throw unexpected()
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

function unexpected(): DecodeError {
  return new DecodeError('The text is no JSON object.')
}
