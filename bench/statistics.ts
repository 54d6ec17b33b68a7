/** The value below which `part` of the values lie, between two of them by their distance. @param part 0 to 1 */
export function quantile(values: readonly number[], part: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * part
  const below = sorted[Math.floor(place)]!
  const above = sorted[Math.ceil(place)]!
  return below + (above - below) * (place - Math.floor(place))
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/**
 * The median of a / b, each pair from one round, so that it holds when the machine's speed drifts; undefined where there is no pair.
 */
export function medianRatio(
  a: readonly (number | undefined)[],
  b: readonly (number | undefined)[],
): number | undefined {
  const ratios = a.flatMap((value, round) => {
    const other = b[round]
    return value === undefined || other === undefined || other === 0 ? [] : [value / other]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}
