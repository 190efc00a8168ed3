// What the axes show: everything, or so much that diverged runs do not flatten the rest.

/** Least and greatest finite x and y of some series, `y` within `x` and `limits` if given. */
export function extent(series, { x = [-Infinity, Infinity], limits, xLog, yLog }) {
  const found = { x: [Infinity, -Infinity], y: [Infinity, -Infinity] };
  const widen = (range, value) => {
    if (value < range[0]) range[0] = value;
    if (value > range[1]) range[1] = value;
  };
  for (const points of series) {
    for (let i = 0; i < points.count; i++) {
      const [at, value] = [points.x[i], points.y[i]];
      if (at < x[0] || at > x[1] || (xLog && at <= 0)) continue;
      widen(found.x, at);
      if (!Number.isFinite(value) || (yLog && value <= 0)) continue;
      if (limits && (value < limits[0] || value > limits[1])) continue;
      widen(found.y, value);
    }
  }
  return found;
}

/** A range with a little room on both sides, also where it is empty or a single value. */
export function roomy([low, high], log, share) {
  if (!(low <= high)) return log ? [1, 10] : [0, 1];
  if (log) {
    const [from, to] = [Math.log10(low), Math.log10(high)];
    const room = share * (to - from) || 0.1;
    return [10 ** (from - room), 10 ** (to + room)];
  }
  const room = share * (high - low) || Math.max(Math.abs(high) * 0.1, 1e-6);
  return [low - room, high + room];
}
