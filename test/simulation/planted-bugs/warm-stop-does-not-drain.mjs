export default {
  description: 'a worker has stopped before its endings are stored',
  edits: [
    {
      file: 'workers/worker.ts',
      find: `    await settler.drain(this.#hopeless.signal)
    await consumer.idle()
    await settler.drain(this.#hopeless.signal)`,
      replace: `    settler.flush()
    await consumer.idle()`,
    },
  ],
}
