import { assert } from 'chai'
import { TaskBoard } from '../../../../workers/presence/task-board.ts'

describe('TaskBoard', () => {
  it('shows another thread what runs, until it ends', () => {
    const board = new TaskBoard()
    const seen = new TaskBoard(board.memory)

    const first = board.add('id-1', 'math.add', 30_000)
    board.add('id-2', 'Zähler ☃', undefined)
    assert.deepEqual(seen.running(), [
      { id: 'id-1', task: 'math.add', limitMs: 30_000 },
      { id: 'id-2', task: 'Zähler ☃', limitMs: undefined },
    ])
    board.remove(first)

    assert.deepEqual(
      seen.running().map(({ id }) => id),
      ['id-2'],
    )
  })

  it('names the task whose function has been entered', () => {
    const board = new TaskBoard()
    const mark = board.add('id-1', 'a', undefined)
    assert.isUndefined(board.called)

    board.entered(mark)
    assert.deepEqual(board.called, { id: 'id-1', task: 'a', limitMs: undefined })
    board.left()

    assert.isUndefined(board.called)
  })

  it('uses a place again with the new name', () => {
    const board = new TaskBoard()
    board.remove(board.add('id-1', 'a long name of a task', undefined))

    board.add('id-2', 'b', undefined)

    assert.deepEqual(board.running(), [{ id: 'id-2', task: 'b', limitMs: undefined }])
  })

  it('cuts ids and names that are too long, between characters', () => {
    const board = new TaskBoard()

    board.add('ä'.repeat(100), 'n'.repeat(1_000), undefined)

    assert.deepEqual(board.running(), [{ id: 'ä'.repeat(24), task: 'n'.repeat(112), limitMs: undefined }])
  })

  it('leaves out what does not fit, and takes more once there is room', () => {
    const board = new TaskBoard()
    const marks = Array.from({ length: 130 }, (_, index) => board.add(`id-${index}`, 'a', undefined))

    assert.lengthOf(board.running(), 128)
    assert.deepEqual(marks.slice(128), [-1, -1])
    for (const mark of marks) board.remove(mark)

    assert.isEmpty(board.running())
    assert.isAtLeast(board.add('again', 'a', undefined), 0)
  })

  it('changes with every beat', () => {
    const board = new TaskBoard()
    const before = board.beats

    board.beat()

    assert.notEqual(board.beats, before)
  })
})
