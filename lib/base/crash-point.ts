/**
 * A named place where a test may end this process as a power cut would. Inert unless `UMBEL_FAULT=name:n:sigkill` was set when the
 * module was loaded: then the n-th passage through that name sends SIGKILL to the process itself.
 */
export function crashPoint(name: string): void {
  if (fault === undefined || name !== fault.name) return
  if (--fault.left === 0) process.kill(process.pid, 'SIGKILL')
}

const fault = readFault(process.env['UMBEL_FAULT'])

function readFault(text: string | undefined): { readonly name: string; left: number } | undefined {
  const parts = /^([\w. -]+):(\d+):sigkill$/.exec(text ?? '')
  return parts === null ? undefined : { name: parts[1]!, left: Number(parts[2]) }
}
