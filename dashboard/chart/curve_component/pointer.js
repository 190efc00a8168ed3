// The curve under the pointer, or the one that the arrow keys reached: emphasised, told, selected.

import { number, place } from "./axes.js";
import { paintCurve, position } from "./lines.js";

const REACH = 40; // pixels
const CLICK = 4; // pixels that a pointer may move while it clicks

export class Pointer {
  constructor(chart) {
    this.chart = chart;
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    this.tip.setAttribute("role", "status");
    chart.root.append(this.tip);
    chart.root.addEventListener("keydown", (event) => this.key(event));
  }

  attach(over) {
    this.over = over;
    this.hit = null;
    over.addEventListener("mousemove", (event) => this.move(event));
    over.addEventListener("mouseleave", () => this.show(null));
    over.addEventListener("mousedown", (event) => (this.down = [event.clientX, event.clientY]));
    over.addEventListener("click", (event) => {
      const [x, y] = this.down ?? [NaN, NaN];
      const still = Math.hypot(event.clientX - x, event.clientY - y) <= CLICK;
      if (still && this.hit) this.chart.tell("clicked", this.hit.curve.run);
    });
  }

  move(event) {
    const box = this.over.getBoundingClientRect();
    this.show(this.nearest(event.clientX - box.left, event.clientY - box.top));
  }

  view() {
    return this.chart.view(this.over.clientWidth, this.over.clientHeight);
  }

  /** The curve that comes nearest to a place, and its point that is nearest along x. */
  nearest(left, top) {
    const { chart } = this;
    const view = this.view();
    const at = chart.uplot.posToVal(left, "x");
    let best = REACH;
    let hit = null;
    for (const curve of chart.curves) {
      const { points } = curve;
      const after = position(points, at);
      for (let i = Math.max(after - 1, 0); i < Math.min(after + 2, points.count); i++) {
        const away = distance(points, i, view, left, top);
        if (away < best) [best, hit] = [away, { curve, after }];
      }
    }
    if (!hit) return null;
    const { points } = hit.curve;
    const { after } = hit;
    const near = after === points.count ||
      (after > 0 && left - view.left(points.x[after - 1]) < view.left(points.x[after]) - left);
    return { curve: hit.curve, index: near ? after - 1 : after };
  }

  /** Emphasise a curve and tell of one of its points; null for none. */
  show(hit) {
    this.hit = hit;
    const { chart } = this;
    chart.lines.classList.toggle("faded", Boolean(hit));
    this.over.classList.toggle("hit", Boolean(hit));
    this.tip.hidden = !hit;
    const ctx = chart.above.getContext("2d");
    ctx.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    ctx.clearRect(0, 0, this.over.clientWidth, this.over.clientHeight);
    if (!hit) return;
    const view = this.view();
    const ofRun = chart.image.look.dense ? [hit.curve]
      : chart.curves.filter((curve) => curve.run === hit.curve.run);
    ctx.lineJoin = "round";
    for (const curve of ofRun) paintCurve(ctx, curve, view, { width: 2.6, alpha: 1 });
    const { points } = hit.curve;
    const spot = [view.left(points.x[hit.index]), view.top(points.y[hit.index])];
    if (spot.every(Number.isFinite)) {
      ctx.beginPath();
      ctx.arc(...spot, 4, 0, 2 * Math.PI);
      ctx.fillStyle = hit.curve.color;
      ctx.fill();
      ctx.strokeStyle = chart.theme.background;
      ctx.lineWidth = 1.5;
      ctx.stroke();
    }
    this.tell(hit, ofRun, spot, view);
  }

  tell(hit, ofRun, [left, top], view) {
    const { look } = this.chart.image;
    const at = hit.curve.points.x[hit.index];
    const make = (tag, name, text) => {
      const element = document.createElement(tag);
      element.className = name;
      element.textContent = text;
      return element;
    };
    const name = make("div", "name", hit.curve.name);
    name.style.setProperty("--color", hit.curve.color);
    const table = document.createElement("table");
    for (const { kind, points } of ofRun) {
      const index = position(points, at);
      if (index === points.count || points.x[index] !== at) continue;
      const row = table.insertRow();
      row.insertCell().textContent = kind;
      row.insertCell().textContent = number(points.y[index]);
    }
    this.tip.replaceChildren(name, make("div", "at", place(at, look)), table);
    const { over } = this;
    const base = over.getBoundingClientRect();
    const root = this.chart.root.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    const right = left + 14 + width < view.width || left < view.width / 2;
    const x = base.left - root.left + (right ? left + 14 : left - 14 - width);
    const level = Number.isFinite(top) ? Math.min(Math.max(top, 0), view.height) : 0;
    const y = base.top - root.top + level - height / 2;
    this.tip.style.left = `${Math.min(Math.max(x, 0), Math.max(root.width - width, 0))}px`;
    this.tip.style.top = `${Math.min(Math.max(y, 0), Math.max(root.height - height, 0))}px`;
  }

  /** After the curves were drawn anew the emphasised one is found again. */
  refresh() {
    if (!this.hit) return;
    const { run, kind } = this.hit.curve;
    const curve = this.chart.curves.find((other) => other.run === run && other.kind === kind);
    const there = curve && this.hit.index < curve.points.count;
    this.show(there ? { curve, index: this.hit.index } : null);
  }

  key(event) {
    const { chart } = this;
    if (event.target !== chart.root || !chart.curves.length) return;
    const { curves } = chart;
    const hit = this.hit ?? { curve: curves[0], index: curves[0].points.count - 1 };
    const turn = (step) => {
      const curve = curves[(curves.indexOf(hit.curve) + step + curves.length) % curves.length];
      const at = position(curve.points, hit.curve.points.x[hit.index] ?? 0);
      return { curve, index: Math.min(at, curve.points.count - 1) };
    };
    const walk = (step) => {
      const index = Math.min(Math.max(hit.index + step, 0), hit.curve.points.count - 1);
      return { curve: hit.curve, index };
    };
    const act = {
      ArrowRight: () => this.show(this.hit ? walk(1) : hit),
      ArrowLeft: () => this.show(this.hit ? walk(-1) : hit),
      ArrowDown: () => this.show(this.hit ? turn(1) : hit),
      ArrowUp: () => this.show(this.hit ? turn(-1) : hit),
      Enter: () => this.hit && chart.tell("clicked", this.hit.curve.run),
      Escape: () => (this.hit ? this.show(null) : chart.reset()),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

/** Pixels from a place to the piece of a line that ends at point i. */
function distance({ x, y }, i, view, left, top) {
  const [toX, toY] = [view.left(x[i]), view.top(y[i])];
  if (Number.isNaN(toY)) return Infinity;
  const [fromX, fromY] = i ? [view.left(x[i - 1]), view.top(y[i - 1])] : [toX, toY];
  if (Number.isNaN(fromY)) return Math.hypot(left - toX, top - toY);
  const [alongX, alongY] = [toX - fromX, toY - fromY];
  const length = alongX * alongX + alongY * alongY;
  const share = length ? ((left - fromX) * alongX + (top - fromY) * alongY) / length : 0;
  const on = Math.min(Math.max(share, 0), 1);
  return Math.hypot(left - fromX - on * alongX, top - fromY - on * alongY);
}
