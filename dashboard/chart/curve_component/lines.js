// Curves and bands, painted on a canvas or on what looks like one (svg.js).

export const DASHES = { validation: [], "test mode": [6, 4], train: [1.5, 3] };
const FAR = 1e5; // pixels; a canvas loses precision with numbers that are larger by magnitudes

/** Where values are, in pixels of the plot; NaN stays NaN, and so does what a log axis has not. */
export class View {
  constructor(width, height, x, y, xLog, yLog) {
    Object.assign(this, { width, height, x, y });
    this.left = along(x, width, xLog);
    const up = along(y, height, yLog);
    this.top = (value) => height - up(value);
  }
}

function along([low, high], length, log) {
  const place = log ? (value) => (value > 0 ? Math.log10(value) : NaN) : (value) => value;
  const [from, to] = [place(low), place(high)];
  const scale = length / (to - from);
  return (value) => Math.min(Math.max((place(value) - from) * scale, -FAR), FAR);
}

/** First position from which on `x` is not below `value`. */
export function position(points, value) {
  let [from, to] = [0, points.count];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (points.x[middle] < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** How thick and how clear a line is among so many. */
export function weight(count) {
  const steps = [[12, 2, 1], [50, 1.5, 0.9], [200, 1.2, 0.75], [600, 1, 0.6], [Infinity, 0.8, 0.45]];
  const [, width, alpha] = steps.find(([most]) => count <= most);
  return { width, alpha };
}

export function paintCurve(ctx, curve, view, { width, alpha }) {
  ctx.globalAlpha = curve.kind === "validation" ? alpha : 0.8 * alpha;
  ctx.strokeStyle = ctx.fillStyle = curve.color;
  ctx.lineWidth = curve.kind === "validation" ? width : 0.8 * width;
  ctx.setLineDash(DASHES[curve.kind] ?? []);
  ctx.beginPath();
  const { dots, exits } = trace(ctx, curve.points, view);
  ctx.stroke();
  ctx.setLineDash([]);
  for (const [left, top] of dots) {
    ctx.beginPath();
    ctx.arc(left, top, Math.max(width, 1.5), 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.globalAlpha = Math.max(ctx.globalAlpha, 0.7);
  for (const exit of exits) paintExit(ctx, exit, view);
}

/** Where a curve leaves what is shown: a triangle at the edge, hollow where it became NaN. */
function paintExit(ctx, { left, side, hollow }, view) {
  const size = 4.5;
  const x = Math.min(Math.max(left, size), view.width - size);
  const [tip, base] = side === "top" ? [1, 2 * size] : [view.height - 1, view.height - 2 * size];
  ctx.beginPath();
  ctx.moveTo(x - size, base);
  ctx.lineTo(x, tip);
  ctx.lineTo(x + size, base);
  ctx.closePath();
  ctx.lineWidth = 1.2;
  if (hollow) ctx.stroke();
  else ctx.fill();
}

/** Draw the line. Returns points that stand alone, and where the line leaves the view. */
function trace(ctx, points, view) {
  const { x, y, count } = points;
  const from = Math.max(position(points, view.x[0]) - 1, 0);
  const to = Math.min(position(points, view.x[1]) + 1, count);
  const draw = to - from > 3 * view.width ? columns(ctx) : plain(ctx);
  const exits = [];
  const dots = [];
  let inside = true; // a curve that begins outside has left, too
  let [run, lastLeft, lastTop] = [0, NaN, NaN];
  const leave = (left, side, hollow) => {
    const near = exits.at(-1);
    if (left < -1 || left > view.width + 1) return;
    if (!near || near.side !== side || left - near.left > 12) exits.push({ left, side, hollow });
  };
  const finish = () => {
    draw.end();
    if (run === 1) dots.push([lastLeft, lastTop]);
    run = 0;
  };
  for (let i = from; i < to; i++) {
    const left = view.left(x[i]);
    const top = view.top(y[i]);
    if (Number.isNaN(left)) continue; // what is not above 0, on a log axis
    if (Number.isNaN(top) || Math.abs(y[i]) === Infinity) {
      if (!Number.isNaN(y[i]) && inside) leave(left, y[i] > 0 ? "top" : "bottom", false);
      if (!Number.isNaN(y[i])) inside = false;
      finish();
      continue;
    }
    const within = top >= -0.5 && top <= view.height + 0.5;
    if (inside && !within) leave(left, top < 0 ? "top" : "bottom", false);
    inside = within;
    draw.point(left, top, run === 0);
    [run, lastLeft, lastTop] = [run + 1, left, top];
  }
  finish();
  const ended = firstOfLastNaNs(points);
  if (ended < count && ended >= from) leave(view.left(x[ended]), "top", true);
  return { dots: dots.filter(([, top]) => top >= 0 && top <= view.height), exits };
}

function firstOfLastNaNs({ y, count }) {
  let at = count;
  while (at > 0 && Number.isNaN(y[at - 1])) at -= 1;
  return at;
}

function plain(ctx) {
  return {
    point: (left, top, first) => (first ? ctx.moveTo(left, top) : ctx.lineTo(left, top)),
    end: () => {},
  };
}

/** With more points than pixels: of each column of pixels the first, least, greatest and last. */
function columns(ctx) {
  let [column, low, high, last] = [NaN, 0, 0, 0];
  const flush = () => {
    if (Number.isNaN(column)) return;
    ctx.lineTo(column, low);
    ctx.lineTo(column, high);
    ctx.lineTo(column, last);
    column = NaN;
  };
  return {
    point(left, top, first) {
      const here = Math.round(left);
      if (first || here !== column) {
        flush();
        if (first) ctx.moveTo(here, top);
        else ctx.lineTo(here, top);
        [column, low, high] = [here, top, top];
      }
      low = Math.min(low, top);
      high = Math.max(high, top);
      last = top;
    },
    end: flush,
  };
}

export function paintBand(ctx, band, color, view) {
  ctx.fillStyle = ctx.strokeStyle = color;
  for (const [from, to] of pieces(band, view)) {
    ctx.globalAlpha = 0.16;
    ctx.beginPath();
    for (let i = from; i < to; i++) ctx.lineTo(view.left(band.low.x[i]), floor(band.low.y[i], view));
    for (let i = to - 1; i >= from; i--) {
      ctx.lineTo(view.left(band.high.x[i]), floor(band.high.y[i], view));
    }
    ctx.closePath();
    ctx.fill();
  }
  ctx.globalAlpha = 1;
  ctx.lineWidth = 2;
  ctx.beginPath();
  const { dots } = trace(ctx, band.middle, view);
  ctx.stroke();
  for (const [left, top] of dots) {
    ctx.beginPath();
    ctx.arc(left, top, 2.5, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/** A log axis has no 0: an edge there is at the bottom. */
function floor(value, view) {
  const top = view.top(value);
  return Number.isNaN(top) ? view.height + 1 : top;
}

/** Stretches of a band that have both edges. */
function pieces({ low, high }, view) {
  const found = [];
  let from = -1;
  for (let i = 0; i <= low.count; i++) {
    const there =
      i < low.count && low.y[i] === low.y[i] && high.y[i] === high.y[i] &&
      !Number.isNaN(view.left(low.x[i]));
    if (there && from < 0) from = i;
    if (!there && from >= 0) {
      found.push([from, i]);
      from = -1;
    }
  }
  return found;
}
