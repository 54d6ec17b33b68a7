import { assert } from 'chai'
import fc from 'fast-check'
import { isGlob, matchesGlob } from '../../../lib/publish/name-glob.ts'

/** The plain recursive definition, too slow for anything but short texts. */
function reference(pattern: string, name: string): boolean {
  if (pattern === '') return name === ''
  if (pattern[0] === '*') return reference(pattern.slice(1), name) || (name !== '' && reference(pattern, name.slice(1)))
  return name !== '' && (pattern[0] === '?' || pattern[0] === name[0]) && reference(pattern.slice(1), name.slice(1))
}

describe('globs over task names', () => {
  it('a star is any number of characters, dots too', () => {
    assert.isTrue(matchesGlob('feed.*', 'feed.import.rss'))
    assert.isTrue(matchesGlob('*', ''))
    assert.isTrue(matchesGlob('*.send*', 'mail.send'))
    assert.isFalse(matchesGlob('feed.*', 'feed'))
    assert.isFalse(matchesGlob('feed.*', 'xfeed.a'))
  })

  it('a question mark is one character', () => {
    assert.isTrue(matchesGlob('a?c', 'abc'))
    assert.isFalse(matchesGlob('a?c', 'ac'))
  })

  it('everything else means itself, also what a RegExp would take for more', () => {
    assert.isTrue(matchesGlob('a.b+(c)[d]', 'a.b+(c)[d]'))
    assert.isFalse(matchesGlob('a.b', 'axb'))
    assert.isFalse(isGlob('a.b+(c)[d]'))
  })

  it('agrees with the plain definition', () => {
    const letters = fc.stringMatching(/^[ab*?]{0,8}$/)
    fc.assert(
      fc.property(letters, fc.stringMatching(/^[ab]{0,8}$/), (pattern, name) => {
        assert.equal(matchesGlob(pattern, name), reference(pattern, name))
      }),
      { numRuns: 2000 },
    )
  })

  it('a hostile pattern and name of 50,000 characters are done soon', () => {
    const before = performance.now()

    for (const pattern of [
      `${'*a'.repeat(20)}b`,
      'a*'.repeat(25_000),
      `${'*'.repeat(50_000)}b`,
      `${'?*'.repeat(100)}x`,
    ])
      matchesGlob(pattern, 'a'.repeat(50_000))

    // A RegExp made of the first of these takes longer than the age of the universe.
    assert.isBelow(performance.now() - before, 5000)
  })
})
