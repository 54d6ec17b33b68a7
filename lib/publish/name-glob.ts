/** True when the pattern stands for more than itself: it has `*` (any letters, or none) or `?` (one letter). */
export function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}

/**
 * Whether a name fits a glob: `*` is any number of characters, dots too, and `?` is one. Time grows with the product of both lengths at
 * worst, never exponentially: a pattern is walked with one place to return to, not turned into a RegExp.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  let at = 0
  let index = 0
  let starAt = -1
  let starIndex = 0
  while (index < name.length) {
    if (pattern[at] === '*') {
      starAt = at++
      starIndex = index
    } else if (pattern[at] === '?' || pattern[at] === name[index]) {
      at++
      index++
    } else if (starAt >= 0) {
      at = starAt + 1
      index = ++starIndex
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
