import { durationMs, type WrittenDuration, writtenDurationMs } from '../../../lib/base/duration.ts'
import { nearestName } from '../../../lib/base/nearest-name.ts'
import { parseIsoTime } from '../../../lib/message/iso-time.ts'
import { JsonSerializer } from '../../../lib/message/json-serializer.ts'
import type { CallInput } from '../../../lib/task/make-call.ts'
import { type Command, type CommandCall, textOption, UsageError, wholeOption } from '../command.ts'
import type { LoadedApp } from '../load-app.ts'
import { shown } from '../output.ts'
import { showOutcome } from '../show-outcome.ts'

/** `umbel call`: sends one task. */
export const callCommand: Command = {
  name: 'call',
  summary: 'Send a task by name, and wait for its result if asked to.',
  arguments: [{ name: '<name>', says: 'name of the task; it need not be known here' }],
  options: [
    { flags: '-a, --args <json>', says: 'positional arguments, a JSON list', default: '[]' },
    { flags: '-k, --kwargs <json>', says: 'keyword arguments, a JSON object', default: '{}' },
    { flags: '--eta <time>', says: 'run no sooner than this time, ISO 8601' },
    { flags: '--countdown <duration>', says: "run no sooner than this from now: seconds, or '10s', '5m'" },
    { flags: '--expires <when>', says: "do not run after this: seconds from now, '1h', or ISO 8601" },
    { flags: '--priority <number>', says: "from 0 to 255; its meaning is the broker's" },
    { flags: '--serializer <name>', says: 'json or msgpack' },
    { flags: '--queue <name>', says: 'queue, over the routes of the app' },
    { flags: '--exchange <name>', says: 'exchange, over the routes of the app' },
    { flags: '--routing-key <key>', says: 'routing key, over the routes of the app' },
    {
      flags: '--wait [timeout]',
      says: "wait for the result, at most this long ('30s'; without a value, resultGetTimeout)",
    },
  ],
  examples: [
    { line: "umbel -A ./app.ts call math.add -a '[2, 3]' --wait", says: 'sends it and prints the result' },
    {
      line: `umbel call reports.build -k '{"year": 2026}' --queue py --countdown 10m`,
      says: 'sends it to another queue, for in ten minutes',
    },
  ],
  async run(call) {
    const name = call.args[0] as string
    const args = jsonOption(call.options['args'], '-a', jsonList) as unknown[] | undefined
    const wait = waitOption(call.options['wait'])
    const options = callOptions(call)
    const loaded = await call.load()
    await learnTasks(call, loaded, name)
    const { app } = loaded
    const result = await app.sendTask(name, args ?? [], options)
    if (wait === undefined) {
      call.out.line(result.id)
      call.out.value({ id: result.id, task: name })
      return 0
    }
    const timeout = wait === 'default' ? undefined : wait
    const onAbort = (): void =>
      call.out.note(`Stopped waiting; the task was sent and may still run: umbel result ${result.id}`)
    call.signal.addEventListener('abort', onAbort, { once: true })
    return showOutcome(call.out, result.id, await result.outcome({ timeout, signal: call.signal }))
  },
}

function callOptions(call: CommandCall): CallInput {
  const { options } = call
  const kwargs = jsonOption(options['kwargs'], '-k', jsonTable)
  return {
    kwargs: kwargs as Record<string, unknown> | undefined,
    eta: timeOption(options['eta'], '--eta'),
    countdown: secondsOption(options['countdown'], '--countdown'),
    expires: expiresOption(options['expires']),
    priority: wholeOption(options['priority'], '--priority', { min: 0, max: 255 }),
    serializer: textOption(options['serializer']),
    queue: textOption(options['queue']),
    exchange: textOption(options['exchange']),
    routingKey: textOption(options['routingKey']),
  }
}

/** The app's task modules, so that the task's own options and checks hold; an app from the environment has none. */
async function learnTasks(call: CommandCall, { app, base }: LoadedApp, name: string): Promise<void> {
  if (call.appPath === undefined) return
  await app.loadImports(base)
  if (app.findTask(name) !== undefined) return
  const nearest = nearestName(name, app.tasks.names())
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
  call.out.note(`${shown(name)} is no task of this app, so it is sent by name alone.${hint}`)
}

interface JsonForm {
  readonly says: string
  readonly fits: (value: unknown) => boolean
}
const jsonList: JsonForm = { says: 'a JSON list such as \'[1, "two"]\'', fits: Array.isArray }
const jsonTable: JsonForm = { says: 'a JSON object such as \'{"year": 2026}\'', fits: isTable }

const json = new JsonSerializer({ typedValues: 'kombu', maxDepth: 256 })

function jsonOption(value: string | boolean | undefined, flag: string, { fits, says }: JsonForm): unknown {
  const text = textOption(value)
  if (text === undefined) return undefined
  let decoded: unknown
  try {
    decoded = json.decode(text)
  } catch (error) {
    throw new UsageError(`${flag} must be ${says}: ${(error as Error).message}`)
  }
  if (!fits(decoded)) throw new UsageError(`${flag} must be ${says}, not ${text.slice(0, 60)}.`)
  return decoded
}

function isTable(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !ArrayBuffer.isView(value)
  )
}

function timeOption(value: string | boolean | undefined, flag: string): Date | undefined {
  const text = textOption(value)
  if (text === undefined) return undefined
  const ms = parseIsoTime(text)
  if (ms === undefined)
    throw new UsageError(`${flag} must be a time such as 2030-01-31T12:00:00Z, not "${text.slice(0, 40)}".`)
  return new Date(ms)
}

function secondsOption(value: string | boolean | undefined, flag: string): number | undefined {
  const text = textOption(value)
  if (text === undefined) return undefined
  try {
    return durationMs(/^\d+(\.\d+)?$/.test(text) ? Number(text) : (text as WrittenDuration), flag) / 1000
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function expiresOption(value: string | boolean | undefined): number | Date | undefined {
  const text = textOption(value)
  if (text === undefined) return undefined
  return /^\d{4}-/.test(text) ? timeOption(text, '--expires') : secondsOption(text, '--expires')
}

function waitOption(value: string | boolean | undefined): WrittenDuration | 'default' | undefined {
  if (value === undefined || value === false) return undefined
  if (value === true) return 'default'
  try {
    writtenDurationMs(value, '--wait')
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  return value as WrittenDuration
}
