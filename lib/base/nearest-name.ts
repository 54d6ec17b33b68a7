/**
 * The name nearest to a mistyped one, or undefined when none is near: at most a third of its letters differ,
 * counted as insertions, deletions, changes and swaps of neighbours; capitals and separators don't count.
 */
export function nearestName(wrong: string, names: Iterable<string>): string | undefined {
  const plain = (text: string): string =>
    text
      .slice(0, 100)
      .toLowerCase()
      .replace(/[-_.\s]/g, '')
  const target = plain(wrong)
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(target.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(target, plain(name))
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
