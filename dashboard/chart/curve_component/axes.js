// Axes as uPlot wants them, in the manner of the dashboard's plotly figures, and words for values.

const NUMBERS = [-9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
  .flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const SECONDS = [
  ...NUMBERS.filter((step) => step < 10), 10, 15, 30,
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100].map((n) => n * DAY),
];

/** The x and y axis of uPlot; what they show last is kept in `chart.ticks`. */
export function axes(chart) {
  const { look } = chart.image;
  const font = `12px ${chart.theme.font}`;
  const kept = (name, write) => (u, splits, axis, space, step) => {
    const texts = splits.map((split) => (split === null ? "" : write(split, step)));
    chart.ticks[name] = splits.map((at, i) => ({ at, text: texts[i] })).filter(({ text }) => text);
    return texts;
  };
  const quiet = { font, stroke: chart.theme.muted, ticks: { show: false }, border: { show: false } };
  const x = {
    ...quiet,
    gap: 6,
    size: 24,
    space: look.x_axis === "number" ? 48 : 72,
    grid: { show: false },
    values: kept("x", writer(look.x_axis)),
    ...splitting(look.x_log),
  };
  if (look.x_axis === "seconds") x.incrs = SECONDS;
  if (look.x_axis === "number") {
    x.incrs = chart.image.integral ? NUMBERS.filter((step) => step >= 1) : NUMBERS;
  }
  const y = {
    ...quiet,
    gap: 6,
    space: 44,
    size: (u, texts) => {
      u.ctx.font = `${12 * devicePixelRatio}px ${chart.theme.font}`;
      const widths = (texts ?? []).map((text) => u.ctx.measureText(text).width);
      return Math.ceil(Math.max(24, ...widths.map((width) => width / devicePixelRatio)) + 12);
    },
    grid: { stroke: chart.theme.grid, width: 1 },
    values: kept("y", tick),
    ...splitting(look.y_log),
  };
  return [x, y];
}

/** On a log axis our own round values; uPlot's are every multiple of each power of ten. */
function splitting(log) {
  if (!log) return {};
  return {
    splits: (u, axis, low, high) => logTicks(low, high),
    filter: (u, splits) => splits,
  };
}

/** 1, 2, 5 of each decade, fewer over many decades; between two close values even steps. */
export function logTicks(low, high) {
  const [from, to] = [Math.log10(low), Math.log10(high)];
  const digits = to - from < 2 ? [1, 2, 5] : to - from < 4 ? [1, 3] : [1];
  const found = [];
  for (let power = Math.floor(from); power <= Math.ceil(to); power++) {
    found.push(...digits.map((digit) => Number(`${digit}e${power}`)));
  }
  const inside = found.filter((value) => value >= low && value <= high);
  if (inside.length < 2) {
    const step = NUMBERS.find((size) => (high - low) / size <= 6) ?? high - low;
    const first = Math.ceil(low / step);
    return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) =>
      Number(((first + i) * step).toPrecision(12)));
  }
  const every = Math.ceil(inside.length / 8);
  return inside.filter((_, i) => (inside.length - 1 - i) % every === 0);
}

function writer(axis) {
  return { number: tick, seconds: duration, date }[axis];
}

/** A round value of an axis: 0.05, 1e-5, −2, 12,000. */
export function tick(value) {
  const round = Number(value.toPrecision(10));
  const size = Math.abs(round);
  const text =
    round !== 0 && (size < 1e-4 || size >= 1e6)
      ? round.toExponential().replace("e+", "e")
      : round.toLocaleString("en", { maximumFractionDigits: 8 });
  return text.replaceAll("-", "−");
}

/** A measured value with four digits. */
export function number(value) {
  if (Number.isNaN(value)) return "NaN";
  if (Math.abs(value) === Infinity) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text =
    value !== 0 && (size < 1e-4 || size >= 1e6)
      ? value.toExponential(3).replace("e+", "e")
      : Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 8 });
  return text.replaceAll("-", "−");
}

/** Seconds in at most two units: 0.5 s, 90 s is 1 min 30 s. */
export function duration(seconds) {
  if (Math.abs(seconds) < MINUTE) return `${Number(seconds.toPrecision(3))} s`;
  const units = [[DAY, "d"], [HOUR, "h"], [MINUTE, "min"], [1, "s"]];
  const at = units.findIndex(([size]) => Math.abs(seconds) >= size);
  const [[size, unit], next] = [units[at], units[at + 1]];
  const whole = Math.trunc(seconds / size);
  const rest = next ? Math.round((seconds - whole * size) / next[0]) : 0;
  return rest ? `${whole} ${unit} ${rest} ${next[1]}` : `${whole} ${unit}`;
}

/** A moment as an axis names it: the day where days are apart, else the time of day. */
function date(seconds, step) {
  const moment = new Date(seconds * 1000);
  const midnight = moment.getHours() + moment.getMinutes() + moment.getSeconds() === 0;
  const day = { month: "short", day: "numeric" };
  if (step >= DAY || midnight) return moment.toLocaleDateString("en", day);
  return moment.toLocaleTimeString("en-GB", step < MINUTE ? {} : { timeStyle: "short" });
}

/** x of a point in words: epoch 12, 1 h 5 min, Nov 23, 14:05:12. */
export function place(value, look) {
  if (look.x_axis === "seconds") return duration(value);
  if (look.x_axis === "number") return `${look.x_title} ${number(value)}`;
  const options = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
    second: "2-digit", hour12: false };
  return new Date(value * 1000).toLocaleString("en", options);
}
