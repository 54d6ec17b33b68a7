import type { DeadLetterReason, LeaseThreadPart } from '../../lib/broker/broker.ts'
import { openDatabase, type SqliteDatabase, textOf } from '../../lib/driver/sqlite/sqlite-database.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { storeFolder } from '../support/store-folder.ts'
import type { Library } from './library.ts'
import { ProcessClock } from './process-clock.ts'
import type {
  SeenMessage,
  StoreKind,
  StoreProcess,
  StoreSnapshot,
  StoreTraits,
  StoreUnderModel,
} from './store-under-model.ts'

const traits: StoreTraits = {
  processes: 2,
  cannot: new Set(),
  deathSeenWithinMs: 500,
  lapseSeenWithinMs: 500,
  yieldMs: 250,
}

/** The embedded store in a real file, each process with a connection of its own. */
async function open(library: Library): Promise<StoreUnderModel> {
  const { path, remove } = storeFolder()
  const clock = new FakeClock()
  const processes: StoreProcess[] = []
  let beside: SqliteDatabase | undefined
  const openBeside = (): SqliteDatabase => (beside ??= openDatabase(path, { busyTimeoutMs: 1_000 }))
  return {
    clock,
    async join() {
      const process = await startProcess(library, { path, clock, openBeside })
      processes.push(process)
      return process
    },
    snapshot: () => readSnapshot(openBeside()),
    async stop() {
      for (const process of processes) await process.stop()
      beside?.close()
      remove()
    },
  }
}

interface ProcessParts {
  readonly path: string
  readonly clock: FakeClock
  readonly openBeside: () => SqliteDatabase
}

async function startProcess(library: Library, { path, clock: time, openBeside }: ProcessParts): Promise<StoreProcess> {
  const clock = new ProcessClock(time)
  const broker = new library.SqliteBroker({ path, clock })
  const results = new library.SqliteResultBackend({ path, clock })
  const stateStore = new library.SqliteStateStore({ path, clock })
  const revoked = new library.RevokedTasks({ clock, broker, stateStore, terminate: () => {} })
  const leases = new Map<string, LeaseThreadPart>()
  for (const part of [broker, results, stateStore, revoked]) await part.start()
  let stopping: Promise<void> | undefined
  return {
    clock,
    broker,
    results,
    stateStore,
    revoked,
    renew(consumer) {
      const { data } = consumer.lease!
      const { owner } = data as { owner: string }
      if (!leases.has(owner)) leases.set(owner, library.openLease(data, clock))
      leases.get(owner)!.renew()
    },
    hang: () => () => {}, // only a thread renews, and there is none here
    die(consumers) {
      clock.die()
      // Its rows now name a process that had the same number and is gone.
      const mark = openBeside().statement('update owners set started_at = ? where name = ?')
      for (const { lease } of consumers) mark.run(['gone', (lease!.data as { owner: string }).owner])
    },
    stop() {
      stopping ??= (async () => {
        for (const lease of leases.values()) lease.close()
        for (const part of [revoked, broker, results, stateStore]) await part.stop()
      })()
      return stopping
    },
  }
}

const selectAll = `select p.place, p.message, cast(q.name as blob), p.token, cast(o.name as blob), o.id is null,
    p.due, cast(p.past as blob), cast(json_extract(m.envelope, '$.headers.id') as blob), p.reason
  from (select 'waiting' as place, message, queue, null as token, null as owner, null as due, past, null as reason from ready
    union all select 'scheduled', message, queue, null, null, due, past, null from parked
    union all select 'claimed', message, queue, token, owner, null, past, null from claims) p
  left join messages m on m.id = p.message left join queues q on q.id = p.queue left join owners o on o.id = p.owner
  order by p.message`
const selectDead = `select cast(d.envelope as blob), cast(q.name as blob), cast(d.reason as blob)
  from dead d left join queues q on q.id = d.queue`

function readSnapshot(database: SqliteDatabase): StoreSnapshot {
  database.exec('begin')
  try {
    const faults: string[] = []
    const messages: SeenMessage[] = []
    const known = new Set<number>()
    for (const row of database.statement(selectAll).all([])) {
      const [place, message, queue, token, owner, isOrphan, due, past, id] = row
      known.add(Number(message))
      const key = `${textOf(id)}@${textOf(queue)}`
      if (id === null) faults.push(`a row of a queue points to message ${message}, which is not there`)
      if (place === 'claimed' && isOrphan === 1) faults.push(`${key} is claimed by nobody, and so for ever`)
      const [losses, returns] = past === null ? [] : (JSON.parse(textOf(past)) as number[])
      messages.push({
        key,
        place: place as SeenMessage['place'],
        due: due === null ? undefined : Number(due),
        token: token === null ? undefined : Number(token),
        owner: owner === null ? undefined : textOf(owner),
        history: losses === undefined || returns === undefined ? undefined : { losses, returns },
      })
    }
    for (const [id] of database.statement('select id from messages').all([]))
      if (!known.has(Number(id))) faults.push(`message ${id} is kept, and no queue knows of it`)
    for (const [envelope, queue, reason] of database.statement(selectDead).all([])) {
      const id = idIn(textOf(envelope))
      if (id === undefined) faults.push(`a dead letter of ${textOf(queue)} has lost its bytes`)
      else messages.push({ key: `${id}@${textOf(queue)}`, place: 'dead', reason: textOf(reason) as DeadLetterReason })
    }
    return { messages, faults }
  } finally {
    database.exec('commit')
  }
}

function idIn(envelope: string): string | undefined {
  try {
    return (JSON.parse(envelope) as { headers: { id: string } }).headers.id
  } catch {
    return undefined
  }
}

export const sqliteUnderModel: StoreKind = { name: 'sqlite', traits, open }
