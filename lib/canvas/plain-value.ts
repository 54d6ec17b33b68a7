/** True for objects that are no list, date, bytes or other exotic thing: what JSON calls an object. */
export function isTable(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // The second test knows the Object.prototype of another realm, as vm and jest make them.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** True for C0 and C1 control characters and DEL, which have no place in names and ids: those end up in logs and terminals. */
export function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) return true
  }
  return false
}

/** True for text that may be the name of a task, a queue or an id on the wire: 1 to 255 characters, none of them a control character. */
export function isWireName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 255 && !hasControlCharacter(value)
}

/** A value as an error message may show it: short, on one line, nothing of what is inside it. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'function') return `the function ${value.name || '(anonymous)'}`
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date'
  if (typeof value !== 'object' || value === null) return String(value)
  const keys = Object.keys(value).slice(0, 5).join(', ')
  return keys === '' ? 'an object' : `an object with ${keys}`
}
