export default {
  description: 'a worker forgets a revoke that it heard when it has to end nothing for it',
  edits: [
    {
      file: 'workers/presence/revoked-tasks.ts',
      find: 'this.#add(id, clock.now() + revokedFor.ms)',
      replace: 'if (command.terminate) this.#add(id, clock.now() + revokedFor.ms)',
    },
  ],
}
