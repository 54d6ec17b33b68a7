export default {
  description: 'what a stopping worker has not started stays claimed',
  edits: [
    {
      file: 'workers/consume/consumer.ts',
      find: 'for (const delivery of unstarted) this.#parts.onUnstarted(delivery)',
      replace: 'void unstarted',
    },
  ],
}
