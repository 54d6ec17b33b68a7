import { nearestName } from '../../../lib/base/nearest-name.ts'
import { queueNameProblem } from '../../../lib/publish/queue-name.ts'
import { type Command, type CommandCall, UsageError } from '../command.ts'
import { shown } from '../output.ts'

/** `umbel queues`: what is in them, and whether workers take from them. */
export const queuesCommand: Command = {
  name: 'queues',
  summary: 'Show every queue with what waits in it; pause or resume one.',
  examples: [
    { line: 'umbel queues', says: 'a table of all queues' },
    { line: 'umbel queues --json', says: 'the same as a JSON list' },
    { line: 'umbel queues pause mail', says: 'workers take nothing more from it; calls are still stored' },
  ],
  subcommands: [
    {
      name: 'pause',
      summary: 'Stop workers, on every machine, from taking tasks of these queues. What runs goes on.',
      arguments: [{ name: '<names...>', says: 'names of queues' }],
      examples: [{ line: 'umbel queues pause mail media', says: 'until they are resumed' }],
      run: (call) => setPaused(call, true),
    },
    {
      name: 'resume',
      summary: 'Let workers take tasks of these queues again.',
      arguments: [{ name: '<names...>', says: 'names of queues' }],
      examples: [{ line: 'umbel queues resume mail', says: 'undoes pause' }],
      run: (call) => setPaused(call, false),
    },
  ],
  async run({ load, out }) {
    const { app } = await load()
    const broker = await app.broker()
    const queues = await broker.admin.queues()
    if (queues.length === 0) out.line(`No queue yet in ${broker.store}.`)
    else
      out.table(
        ['QUEUE', 'WAITING', 'SCHEDULED', 'CLAIMED', 'DEAD', ''],
        queues.map((each) => [
          each.queue,
          each.waiting,
          each.scheduled,
          each.claimed,
          each.dead,
          each.paused ? 'paused' : '',
        ]),
      )
    out.value(queues)
    return 0
  },
}

async function setPaused({ args, load, out }: CommandCall, isPaused: boolean): Promise<number> {
  const names = args[0] as readonly string[]
  for (const name of names) {
    const problem = queueNameProblem(name)
    if (problem !== undefined) throw new UsageError(`"${shown(name)}" is no queue: its name must be ${problem}.`)
  }
  const { app } = await load()
  const known = (await (await app.broker()).admin.queues()).map(({ queue }) => queue)
  for (const name of names) {
    const nearest = known.includes(name) ? undefined : nearestName(name, known)
    if (nearest !== undefined) out.note(`Nothing was ever in queue "${name}". Did you mean ${nearest}?`)
    await (isPaused ? app.queue(name).pause() : app.queue(name).resume())
    out.line(`${shown(name)} ${isPaused ? 'paused' : 'resumed'}`)
  }
  out.value(names.map((queue) => ({ queue, paused: isPaused })))
  return 0
}
