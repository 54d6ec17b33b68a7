import { nearestName } from '../../../lib/base/nearest-name.ts'
import { type Broker, type DeadLetter, type DeadLetterReason, deadLetterReasons } from '../../../lib/broker/broker.ts'
import { type Command, type CommandCall, type CommandOption, textOption, UsageError, wholeOption } from '../command.ts'
import { shown } from '../output.ts'

const filters: readonly CommandOption[] = [
  { flags: '--queue <name>', says: 'only those of this queue' },
  { flags: '--reason <reason>', says: `only those set aside for this reason: ${deadLetterReasons.join(', ')}` },
]
const all: CommandOption = { flags: '--all', says: 'every dead letter, or every one that the filters leave' }

/** `umbel dead`: messages that were set aside. */
export const deadCommand: Command = {
  name: 'dead',
  summary: 'Dead letters: messages that could not be worked, kept with the reason.',
  examples: [
    { line: 'umbel dead list', says: 'what was set aside, and why' },
    {
      line: 'umbel dead replay --all --reason unknown-task',
      says: 'back to their queues, once the worker knows the task',
    },
  ],
  subcommands: [
    {
      name: 'list',
      summary: 'List dead letters, oldest first.',
      options: [...filters, { flags: '--limit <number>', says: 'at most this many', default: '100' }],
      examples: [{ line: 'umbel dead list --queue mail --json', says: 'those of one queue, as JSON' }],
      run: list,
    },
    {
      name: 'show',
      summary: 'Show one dead letter whole: reason, headers, body as the broker held it.',
      arguments: [{ name: '<id>', says: 'id from `dead list`' }],
      examples: [{ line: 'umbel dead show 17', says: 'everything that is known of it' }],
      run: show,
    },
    {
      name: 'replay',
      summary: 'Put dead letters back at the end of their queues, with fresh counters.',
      arguments: [{ name: '[ids...]', says: 'ids from `dead list`' }],
      options: [all, ...filters],
      examples: [
        { line: 'umbel dead replay 17 18', says: 'these two' },
        { line: 'umbel dead replay --all --queue mail', says: 'all of one queue' },
      ],
      run: (call) => act(call, 'replay'),
    },
    {
      name: 'drop',
      summary: 'Remove dead letters for good.',
      arguments: [{ name: '[ids...]', says: 'ids from `dead list`' }],
      options: [all, ...filters, { flags: '-f, --force', says: 'do not ask' }],
      examples: [{ line: 'umbel dead drop --all --reason undecodable -f', says: 'all of one reason, without asking' }],
      run: (call) => act(call, 'drop'),
    },
  ],
}

async function list(call: CommandCall): Promise<number> {
  const { out } = call
  const filter = filterOf(call)
  const limit = wholeOption(call.options['limit'], '--limit', { min: 1, max: 1_000_000 }) ?? 100
  const broker = await (await call.load()).app.broker()
  const letters: DeadLetter[] = []
  let hasMore = false
  for await (const letter of found(broker, filter)) {
    if (letters.length === limit) {
      hasMore = true
      break
    }
    letters.push(letter)
  }
  if (letters.length === 0) out.line(`No dead letters in ${shown(broker.store)}.`)
  else
    out.table(
      ['ID', 'SINCE', 'QUEUE', 'REASON', 'TASK', 'TASK ID', 'DETAIL'],
      letters.map((each) => [
        each.id,
        timeOf(each),
        each.queue,
        each.reason,
        short(each.task ?? '-'),
        short(each.taskId ?? '-'),
        short(each.detail, 100),
      ]),
    )
  if (hasMore) out.note(`There are more; these are the oldest ${limit}. Raise --limit to see them.`)
  out.value(letters.map(summaryOf))
  return 0
}

async function show(call: CommandCall): Promise<number> {
  const { out } = call
  const id = call.args[0] as string
  const broker = await (await call.load()).app.broker()
  const letter = await broker.admin.deadLetter(id)
  if (letter === undefined) {
    out.error(`There is no dead letter "${id}" in ${broker.store}. \`umbel dead list\` shows those that there are.`)
    return 1
  }
  const { message } = letter
  for (const [name, value] of Object.entries(summaryOf(letter)))
    if (value !== null) out.line(`${out.paint('dim', name.padEnd(12))} ${shown(String(value))}`)
  if (message === undefined) out.line(`${out.paint('dim', 'raw'.padEnd(12))} ${shown(rawText(letter.raw))}`)
  else {
    for (const [name, value] of Object.entries(message.headers))
      out.line(`${out.paint('dim', 'header'.padEnd(12))} ${shown(`${name}: ${out.asJson(value)}`)}`)
    out.line(`${out.paint('dim', 'content'.padEnd(12))} ${shown(`${message.contentType}; ${message.contentEncoding}`)}`)
    out.line(
      `${out.paint('dim', 'body'.padEnd(12))} ${shown(typeof message.body === 'string' ? message.body : rawText(message.body))}`,
    )
  }
  out.value({ ...summaryOf(letter), message: message ?? null, raw: Buffer.from(letter.raw).toString('base64') })
  return 0
}

async function act(call: CommandCall, what: 'replay' | 'drop'): Promise<number> {
  const { out } = call
  const ids = call.args[0] as readonly string[]
  const isAll = call.options['all'] === true
  if (isAll === ids.length > 0) throw new UsageError(`Name the dead letters to ${what}, or say --all.`)
  const filter = filterOf(call)
  if (!isAll && (filter.queue !== undefined || filter.reason !== undefined))
    throw new UsageError('--queue and --reason go with --all.')
  const broker = await (await call.load()).app.broker()
  const chosen = isAll ? await idsOf(broker, filter) : ids
  if (what === 'drop' && !(await isMeant(call, chosen.length, broker))) return 1
  const { admin } = broker
  const count = chosen.length === 0 ? 0 : await (what === 'replay' ? admin.replayDead(chosen) : admin.dropDead(chosen))
  out.line(`${count} ${what === 'replay' ? 'back in their queues' : 'removed'}`)
  out.value({ [what === 'replay' ? 'replayed' : 'dropped']: count })
  if (isAll || count === ids.length) return 0
  out.error(`${ids.length - count} of ${ids.length} ids are no dead letters in ${broker.store}.`)
  return 1
}

async function isMeant({ out, options, signal }: CommandCall, count: number, broker: Broker): Promise<boolean> {
  if (options['force'] === true || count === 0) return true
  if (!out.canAsk)
    throw new UsageError('drop removes messages for good, and there is no terminal to ask at. Add -f if it is meant.')
  if (await out.confirm(`Remove ${count} dead letters of ${shown(broker.store)} for good?`, signal)) return true
  out.note('Nothing was removed.')
  return false
}

interface Filter {
  readonly queue: string | undefined
  readonly reason: DeadLetterReason | undefined
}

function filterOf({ options }: CommandCall): Filter {
  const queue = textOption(options['queue'])
  const reason = textOption(options['reason'])
  if (reason !== undefined && !deadLetterReasons.includes(reason as DeadLetterReason)) {
    const nearest = nearestName(reason, deadLetterReasons)
    const hint = nearest === undefined ? `It is one of ${deadLetterReasons.join(', ')}.` : `Did you mean ${nearest}?`
    throw new UsageError(`--reason "${shown(reason.slice(0, 60))}" is none. ${hint}`)
  }
  return { queue, reason: reason as DeadLetterReason | undefined }
}

const pageSize = 500

/** Page by page: there may be a million, with their bodies. */
async function* found(broker: Broker, { queue, reason }: Filter): AsyncGenerator<DeadLetter> {
  let after: string | undefined
  while (true) {
    const page = await broker.admin.deadLetters({ queue, after, limit: pageSize })
    for (const letter of page) if (reason === undefined || letter.reason === reason) yield letter
    after = page.at(-1)?.id
    if (page.length < pageSize) return
  }
}

async function idsOf(broker: Broker, filter: Filter): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of found(broker, filter)) ids.push(id)
  return ids
}

function summaryOf(letter: DeadLetter) {
  return {
    id: letter.id,
    deadSince: timeOf(letter),
    queue: letter.queue,
    reason: letter.reason,
    detail: letter.detail,
    task: letter.task ?? null,
    taskId: letter.taskId ?? null,
    sizeBytes: letter.raw.byteLength,
  }
}

function timeOf({ deadSince }: DeadLetter): string {
  return new Date(deadSince).toISOString()
}

function short(text: string, length = 60): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}

function rawText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
