import type { Umbel } from '../../../lib/app/app.ts'
import { type WrittenDuration, writtenDurationMs } from '../../../lib/base/duration.ts'
import { TimeoutError } from '../../../lib/base/errors.ts'
import { isFinal } from '../../../lib/result/result-record.ts'
import { type Command, type CommandCall, textOption, UsageError } from '../command.ts'
import { shown } from '../output.ts'
import { showOutcome } from '../show-outcome.ts'

/** `umbel result`: what is known of a task that was sent. */
export const resultCommand: Command = {
  name: 'result',
  summary: 'Show the result of a task, or how it stands. Exit code 0 only if it succeeded.',
  arguments: [{ name: '<id>', says: 'id of the task, as `call` printed it' }],
  options: [
    {
      flags: '--timeout <duration>',
      says: "wait for the result, at most this long: '30s'; without, what is known now",
    },
    { flags: '--traceback', says: 'print the stored stack of a failure' },
  ],
  examples: [
    { line: 'umbel result 7c6f1f0e-6a3c-4f6e-9a53-1d6f2f6f1a10', says: 'prints the value, the error or the state' },
    {
      line: 'umbel -A ./app.ts result 7c6f1f0e-6a3c-4f6e-9a53-1d6f2f6f1a10 --timeout 1m --json',
      says: 'waits a minute, prints JSON',
    },
  ],
  async run(call) {
    const id = call.args[0] as string
    const timeout = timeoutOption(call.options['timeout'])
    const { app } = await call.load()
    const result = app.result(id)
    const state = await result.state()
    if (timeout === undefined && !isFinal(state)) return showUnfinished(call, id, state, await result.info())
    try {
      const outcome = await result.outcome({ timeout, signal: call.signal })
      if (call.options['traceback'] === true) await showTraceback(call, app, id)
      return showOutcome(call.out, id, outcome)
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error
      return showUnfinished(call, id, await result.state(), await result.info())
    }
  },
}

function showUnfinished({ out }: CommandCall, id: string, state: string, meta: unknown): number {
  out.line(`${shown(state)}${meta === undefined || meta === null ? '' : ` ${shown(out.asJson(meta))}`}`)
  if (state === 'PENDING')
    out.note('Nothing is stored under this id yet: it waits, is unknown, or its result has long expired.')
  out.value({ id, state, meta: meta ?? null })
  return 1
}

async function showTraceback({ out }: CommandCall, app: Umbel, id: string): Promise<void> {
  const [found] = await (await app.resultBackend()).fetch([id])
  if (found?.kind !== 'record') return
  const { traceback } = app.parts.results().read(found.record)
  if (traceback !== null) for (const line of traceback.trimEnd().split('\n')) out.line(shown(line))
}

function timeoutOption(value: string | boolean | undefined): WrittenDuration | undefined {
  const text = textOption(value)
  if (text === undefined) return undefined
  try {
    writtenDurationMs(text, '--timeout')
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  return text as WrittenDuration
}
