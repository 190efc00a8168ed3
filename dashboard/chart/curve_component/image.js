// What there is to draw, kept up to date by messages; dashboard/curve_messages.py writes them.

/** Points of one curve or of one edge of a band; the arrays are longer than `count`. */
class Series {
  constructor() {
    this.x = new Float64Array(0);
    this.y = new Float32Array(0);
    this.count = 0;
  }

  put(start, x, y) {
    const count = start + y.length;
    if (count > this.y.length) {
      // room for as much again, so that appending to a live curve rarely copies it
      const size = start ? 2 * count : count;
      const [oldX, oldY] = [this.x, this.y];
      this.x = new Float64Array(size);
      this.y = new Float32Array(size);
      this.x.set(oldX.subarray(0, start));
      this.y.set(oldY.subarray(0, start));
    }
    this.x.set(x, start);
    this.y.set(y, start);
    this.count = count;
  }
}

export class Image {
  constructor() {
    this.stream = null;
    this.number = -1;
    this.series = [];
    this.curves = [];
    this.bands = [];
  }

  /** Take a message. Returns "whole", "news", "same", or "gap" where something is missing. */
  take(bytes) {
    const message = read(bytes);
    const { head } = message;
    const known = head.stream === this.stream;
    if (head.number && (!known || head.since > this.number)) return "gap";
    this.look = head.look;
    if (known && (head.number === this.number || (head.number && head.number < this.number))) {
      return "same";
    }
    if (!head.number) this.begin(head);
    for (const tail of message.tails) this.series[tail.series].put(tail.start, tail.x, tail.y);
    this.stream = head.stream;
    this.number = head.number;
    this.integral = message.tails.every((tail) => tail.integral) && (this.integral || !head.number);
    return head.number ? "news" : "whole";
  }

  begin(head) {
    this.series = [];
    const series = () => {
      this.series.push(new Series());
      return this.series.at(-1);
    };
    this.curves = head.runs.map((run, i) => ({
      run,
      name: head.names[i],
      color: head.colors[i],
      kind: head.kinds[i],
      points: series(),
    }));
    this.bands = head.bands.map(([name, color, count]) => ({
      name,
      color,
      count,
      low: series(),
      middle: series(),
      high: series(),
    }));
  }
}

function read(bytes) {
  const buffer = bytes.slice().buffer; // a copy begins where typed arrays may begin
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const array = (type, count) => {
    const found = new type(buffer, at, count);
    at += found.byteLength;
    return found;
  };
  const [count] = array(Uint32Array, 2);
  const firsts = array(Float64Array, count);
  const steps = array(Float64Array, count);
  const [numbers, starts, counts] = [0, 1, 2].map(() => array(Uint32Array, count));
  const ys = counts.reduce((sum, n) => sum + n, 0);
  const y = array(Float32Array, ys);
  const own = array(Float32Array, (buffer.byteLength - at) / 4);
  const tails = [];
  for (let i = 0, fromY = 0, fromX = 0; i < count; i++) {
    const x = new Float64Array(counts[i]);
    const even = !Number.isNaN(steps[i]);
    for (let k = 0; k < x.length; k++) x[k] = firsts[i] + (even ? k * steps[i] : own[fromX + k]);
    tails.push({
      series: numbers[i],
      start: starts[i],
      x,
      y: y.subarray(fromY, fromY + x.length),
      integral: even && firsts[i] % 1 === 0 && steps[i] % 1 === 0,
    });
    fromY += x.length;
    if (!even) fromX += x.length;
  }
  return { head, tails };
}
