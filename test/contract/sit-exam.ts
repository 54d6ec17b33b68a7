import { assert } from 'chai'
import type { ExamItem } from '../../lib/testing/exams/exam.ts'
import { skip } from '../support/skip.ts'

/** One test for each item. What the candidate can't do is listed by the item's name with the reason, and is shown as skipped. */
export function sitExam<T>(
  items: readonly ExamItem<T>[],
  make: () => Promise<T>,
  cannot: Readonly<Record<string, string>> = {},
): void {
  for (const item of items) {
    const reason = cannot[item.name]
    it(item.name, async function () {
      if (reason !== undefined) skip(this, reason)
      await item.run(make)
    })
  }

  it('every exemption names an item of the exam, and no two items have one name', () => {
    const names = items.map(({ name }) => name)
    assert.deepEqual(
      Object.keys(cannot).filter((name) => !names.includes(name)),
      [],
    )
    assert.lengthOf(new Set(names), names.length)
  })
}
