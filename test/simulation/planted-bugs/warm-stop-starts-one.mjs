export default {
  description: 'a worker that is told to stop starts one more task',
  edits: [
    {
      file: 'workers/consume/consumer.ts',
      find: 'const unstarted = this.#waiting.slice(this.#head)',
      replace: `const extra = this.#waiting[this.#head]
    if (extra !== undefined) {
      this.#head++
      this.#running++
      void this.#parts.work(extra).then(this.#ended)
    }
    const unstarted = this.#waiting.slice(this.#head)`,
    },
  ],
}
