import { assert } from 'chai'
import * as errors from '../../lib/base/errors.ts'
import { assertPage, code, table } from './reference-page.ts'

/** Class names by code, found by making one of each. */
function classesByCode(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [name, value] of Object.entries(errors)) {
    if (typeof value !== 'function' || !(value.prototype instanceof errors.UmbelError)) continue
    const made = new (value as new (message: string) => errors.UmbelError)('x')
    found.set(made.code, [...(found.get(made.code) ?? []), name])
  }
  // Made from stored records, in the layer that reads them.
  found.set('UMBEL_TASK_FAILED', ['TaskFailed'])
  return found
}

describe('docs/reference/errors.md', () => {
  it('every code has a class and every class a code of the table', () => {
    assert.sameMembers([...classesByCode().keys()], Object.keys(errors.errorCodes))
  })

  it('lists every error as the code has it', () => {
    const classes = classesByCode()

    assertPage(
      'docs/reference/errors.md',
      table(
        ['`error.code`', 'Class', 'Meaning'],
        Object.entries(errors.errorCodes).map(([name, meaning]) => [
          code(name),
          (classes.get(name) ?? []).map(code).join(', '),
          meaning,
        ]),
      ),
    )
  })
})
