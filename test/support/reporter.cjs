// Mocha's reporter of this project: a line for each test file, what failed in full, the slowest tests, and as the very last line
// `N passed, N failed, N skipped`, counted from what really ran. A run of no tests fails, and so does a skip without a reason.
const { relative } = require('node:path')
const Mocha = require('mocha')

const { Base } = Mocha.reporters
const { EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_RUN_BEGIN, EVENT_RUN_END } = Mocha.Runner.constants

const slowestShown = 10
// A process that is still alive this long after its last test is held by something that no test owns.
const lingerMs = 10_000

class Reporter extends Base {
  constructor(runner, options) {
    super(runner, options)
    this.failures = []
    this.counts = { passed: 0, failed: 0, skipped: 0 }
    this.timed = []
    this.skips = []
    this.current = undefined
    const files = filesOf(runner.suite)
    this.isDetailed = files.size === 1
    this.planned = countTests(runner.suite)

    runner.on(EVENT_RUN_BEGIN, () => {
      this.startedAt = performance.now()
    })
    runner.on(EVENT_TEST_PASS, (test) => this.onPass(test))
    runner.on(EVENT_TEST_FAIL, (test, error) => this.onFail(test, error))
    runner.on(EVENT_TEST_PENDING, (test) => this.onSkip(test))
    runner.once(EVENT_RUN_END, () => this.onEnd(runner))
  }

  /** The tally of the file this test stands in; prints the one before when the file changes. */
  fileOf(test) {
    const file = test.file ?? test.parent?.file ?? '(no file)'
    if (this.current?.file !== file) {
      this.printFile()
      this.current = { file, passed: 0, failed: 0, skipped: 0, tookMs: 0 }
    }
    return this.current
  }

  printFile() {
    const file = this.current
    if (file === undefined) return
    const parts = [`${file.passed} passed`]
    if (file.failed > 0) parts.push(paint('red', `${file.failed} failed`))
    if (file.skipped > 0) parts.push(paint('yellow', `${file.skipped} skipped`))
    const mark = file.failed > 0 ? paint('red', '✗') : paint('green', '✓')
    print(`${mark} ${relative(process.cwd(), file.file)}: ${parts.join(', ')} (${seconds(file.tookMs)})`)
    this.current = undefined
  }

  onPass(test) {
    const file = this.fileOf(test)
    file.passed++
    file.tookMs += test.duration ?? 0
    this.counts.passed++
    this.timed.push(test)
    if (this.isDetailed) print(`  ${paint('green', '✓')} ${test.fullTitle()}`)
  }

  onFail(test, error) {
    const file = this.fileOf(test)
    file.failed++
    file.tookMs += test.duration ?? 0
    this.counts.failed++
    test.err = error
    this.failures.push(test)
    print(`  ${paint('red', '✗')} ${test.fullTitle()}: ${firstLine(error)}`)
  }

  onSkip(test) {
    const file = this.fileOf(test)
    const reason = skipReason(test)
    if (reason === undefined) {
      const error = new Error('Skipped without a reason. Say why with skip(this, reason) of test/support/skip.ts.')
      error.stack = undefined
      this.onFail(test, error)
      return
    }
    file.skipped++
    this.counts.skipped++
    this.skips.push({ title: test.fullTitle(), reason })
    if (this.isDetailed) print(`  ${paint('yellow', '-')} ${test.fullTitle()}: skipped, ${reason}`)
  }

  onEnd(runner) {
    this.printFile()
    this.printSkips()
    if (this.failures.length > 0) Base.list(this.failures)
    this.printSlowest()
    for (const line of globalThis[Symbol.for('umbel.faultTable')]?.() ?? []) print(line)
    const { passed, failed, skipped } = this.counts
    const ran = passed + failed + skipped
    if (ran === 0) print(paint('red', 'No test ran. That is a failure: look at the paths and patterns given to mocha.'))
    if (ran < this.planned)
      print(paint('red', `${this.planned - ran} of ${this.planned} tests never ran; a hook above them failed.`))
    // Mocha's own count, which becomes the exit code, knows nothing of what only this reporter takes for a failure.
    runner.failures = Math.max(runner.failures, failed, ran === 0 || ran < this.planned ? 1 : 0)
    print(`${seconds(performance.now() - (this.startedAt ?? performance.now()))} in all`)
    print(`${passed} passed, ${failed} failed, ${skipped} skipped`)
    watchForLingering()
  }

  /** One line for each reason, with the tests it kept from running. */
  printSkips() {
    const byReason = Map.groupBy?.(this.skips, (skip) => skip.reason) ?? groupByReason(this.skips)
    for (const [reason, skips] of byReason) {
      print(paint('yellow', `skipped: ${reason}`))
      for (const { title } of skips) print(`  - ${title}`)
    }
  }

  printSlowest() {
    const slow = this.timed.filter((test) => test.duration >= 100).sort((a, b) => b.duration - a.duration)
    if (slow.length === 0 || this.isDetailed) return
    print('slowest tests:')
    for (const test of slow.slice(0, slowestShown))
      print(`  ${seconds(test.duration).padStart(8)}  ${test.fullTitle()}`)
  }
}

/** A process that does not end by itself is a failure, and one that must not hang a build. */
function watchForLingering() {
  const timer = setTimeout(() => {
    process.stderr.write(
      `The tests ended ${lingerMs / 1000} s ago and something still holds the process: ${process.getActiveResourcesInfo().join(', ')}\n`,
    )
    process.exit(1)
  }, lingerMs)
  timer.unref()
}

function filesOf(suite, files = new Set()) {
  for (const test of suite.tests) files.add(test.file)
  for (const child of suite.suites) filesOf(child, files)
  return files
}

/** Mocha filters by `--grep` as it runs, so what a pattern leaves out does not count as planned. */
function countTests(suite) {
  const grep = process.argv.some((word) => /^(-g|-f|--grep|--fgrep)(=|$)/.test(word))
  return grep ? 0 : suite.total()
}

function skipReason(test) {
  for (let at = test; at !== undefined; at = at.parent) if (at.skipReason !== undefined) return at.skipReason
  return undefined
}

function groupByReason(skips) {
  const groups = new Map()
  for (const skip of skips) groups.set(skip.reason, [...(groups.get(skip.reason) ?? []), skip])
  return groups
}

function firstLine(error) {
  return String(error?.message ?? error).split('\n')[0]
}

function seconds(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

const colours = { red: 31, green: 32, yellow: 33 }
function paint(colour, text) {
  return process.stdout.isTTY && process.env.NO_COLOR === undefined
    ? `\u001b[${colours[colour]}m${text}\u001b[0m`
    : text
}

function print(line) {
  process.stdout.write(`${line}\n`)
}

module.exports = Reporter
