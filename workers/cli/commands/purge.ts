import { nearestName } from '../../../lib/base/nearest-name.ts'
import type { Broker } from '../../../lib/broker/broker.ts'
import { type Command, type CommandCall, listOption, UsageError } from '../command.ts'
import { shown } from '../output.ts'

/** `umbel purge`: removes what waits. */
export const purgeCommand: Command = {
  name: 'purge',
  summary: 'Remove every message that waits or is scheduled; what workers hold goes on. Cannot be undone.',
  options: [
    { flags: '-Q, --queues <names>', says: 'only these queues, comma-separated', default: "the app's own" },
    { flags: '-f, --force', says: 'do not ask' },
  ],
  examples: [
    { line: 'umbel -A ./app.ts purge', says: "asks, then empties the app's queues" },
    { line: 'umbel purge -f -Q mail,media', says: 'empties these two without asking' },
  ],
  async run(call) {
    const asked = listOption(call.options['queues'])
    if (asked?.length === 0) throw new UsageError('-Q names no queue. Write -Q mail,media.')
    const { app } = await call.load()
    const broker = await app.broker()
    const queues = asked ?? app.parts.router.queues().map(({ name }) => name)
    await refuseUnknown(broker, asked ?? [])
    if (call.options['force'] !== true && !(await isMeant(call, broker, queues))) return 1
    const removed: Record<string, number> = {}
    for (const queue of queues) {
      removed[queue] = await broker.admin.purge(queue)
      call.out.line(`${shown(queue)}: ${removed[queue]} removed`)
    }
    call.out.value(removed)
    return 0
  },
}

/** A mistyped queue must not read as "0 removed". */
async function refuseUnknown(broker: Broker, names: readonly string[]): Promise<void> {
  const known = (await broker.admin.queues()).map(({ queue }) => queue)
  for (const name of names) {
    if (known.includes(name)) continue
    const nearest = nearestName(name, known)
    throw new UsageError(
      `There is no queue "${name}" in ${broker.store}. ${nearest === undefined ? `It has ${known.join(', ') || 'none'}.` : `Did you mean ${nearest}?`}`,
    )
  }
}

async function isMeant({ out, signal }: CommandCall, broker: Broker, queues: readonly string[]): Promise<boolean> {
  if (!out.canAsk)
    throw new UsageError('purge removes messages for good, and there is no terminal to ask at. Add -f if it is meant.')
  const counts = await Promise.all(queues.map((queue) => broker.admin.counts(queue)))
  const waiting = counts.reduce((sum, each) => sum + each.waiting, 0)
  const scheduled = counts.reduce((sum, each) => sum + each.scheduled, 0)
  const where = `${queues.map((queue) => `"${shown(queue)}"`).join(', ')} at ${shown(broker.store)}`
  if (await out.confirm(`Remove ${waiting} waiting and ${scheduled} scheduled messages of ${where}?`, signal))
    return true
  out.note('Nothing was removed.')
  return false
}
