export default {
  description: 'a settlement that was answered is made once more',
  edits: [
    {
      file: 'workers/request/settle.ts',
      find: 'this.#tell(claimed, await broker.settle(settlements))',
      replace: `this.#tell(claimed, await broker.settle(settlements))
      void broker.settle(settlements.slice(0, 1)).catch(() => {})`,
    },
  ],
}
