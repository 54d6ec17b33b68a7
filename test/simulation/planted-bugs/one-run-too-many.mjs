export default {
  description: 'one more task runs than there are slots',
  edits: [
    {
      file: 'workers/consume/consumer.ts',
      find: 'this.#running < concurrency && this.#head',
      replace: 'this.#running <= concurrency && this.#head',
    },
  ],
}
