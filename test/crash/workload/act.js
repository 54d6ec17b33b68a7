// One act of a program that is not a worker, so that it can be killed in the middle of it: node act.js '{"act":"purge"}'
import { app, late } from './app.js'

const { act, ids = [] } = JSON.parse(process.argv[2])
const queue = app.queue('acted-on')
const { admin } = await app.broker()
const oneDead = async () => (await admin.deadLetters({ limit: 1 })).map(({ id }) => id)
const acts = {
  declare: async () => (await app.broker()).declare([{ name: 'declared' }]),
  publish: () => late.applyAsync([1, 0], { taskId: ids[0], queue: 'acted-on' }),
  purge: () => queue.purge(),
  pause: () => queue.pause(),
  replay: async () => admin.replayDead(await oneDead()),
  drop: async () => admin.dropDead(await oneDead()),
  revoke: () => app.revoke(ids, { terminate: true }),
  read: () => app.result(ids[0]).state(),
  forget: () => app.result(ids[0]).forget(),
}
await acts[act]()
console.log('done')
await app.close()
