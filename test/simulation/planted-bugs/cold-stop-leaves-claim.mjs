export default {
  description: 'a cold stop does not wait for a claim under way',
  edits: [
    {
      file: 'workers/worker.ts',
      find: 'await this.#unlessHopeless(stopping)\n',
      replace: 'void stopping\n',
    },
  ],
}
