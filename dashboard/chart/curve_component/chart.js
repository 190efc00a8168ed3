// One chart: uPlot draws axes and lets a part be picked; curves are painted on canvases above it.
// uPlot's own series share one x, which a thousand runs over wall time do not.

import uPlot from "./vendor/uPlot.esm.min.js";
import { axes } from "./axes.js";
import { savePng, saveSvg } from "./exporting.js";
import { Legend } from "./legend.js";
import { View, paintBand, paintCurve, weight } from "./lines.js";
import { Image } from "./image.js";
import { Pointer } from "./pointer.js";
import { theme } from "./theme.js";
import { extent, roomy } from "./window.js";

const ASK_AGAIN = 3000; // ms

export class Chart {
  constructor(parent) {
    this.image = new Image();
    this.hidden = new Set(); // runs and bands that the legend took away
    this.zoom = null;
    this.fullRange = false;
    this.ticks = { x: [], y: [] };
    this.asked = 0;
    this.build(parent);
    this.legend = new Legend(this);
    this.pointer = new Pointer(this);
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.plot);
    // text is measured and drawn anew when the theme's font has come
    document.fonts.ready.then(() => this.uplot && this.restyle());
  }

  build(parent) {
    const make = (tag, name, into) => {
      const element = document.createElement(tag);
      element.className = name;
      into.append(element);
      return element;
    };
    this.root = make("figure", "chart", parent);
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "group");
    const head = make("div", "head", this.root);
    this.title = make("div", "title", head);
    const tools = make("div", "tools", head);
    const button = (text, label, act) => {
      const element = make("button", "", tools);
      element.type = "button";
      element.textContent = text;
      element.title = label;
      element.addEventListener("click", act);
      return element;
    };
    this.resetButton = button("Reset zoom", "Show everything again (double-click)", () => this.reset());
    this.rangeButton = button("Full range", "Also show what lies far beyond most curves", () => {
      this.fullRange = !this.fullRange;
      this.reset();
    });
    button("PNG", "Save the chart as an image", () => savePng(this));
    button("SVG", "Save the chart as a vector drawing", () => saveSvg(this));
    this.plot = make("div", "plot", this.root);
    this.xTitle = make("div", "x-title", this.root);
    this.legendBox = make("div", "legend", this.root);
  }

  /** Take a message of the server. */
  take(bytes) {
    const before = this.image.look;
    const outcome = this.image.take(bytes);
    if (outcome === "gap") return this.ask();
    const { look } = this.image;
    this.root.style.height = `${look.height}px`;
    this.root.setAttribute("aria-label", look.summary);
    this.title.textContent = look.y_title;
    this.xTitle.textContent = look.x_title;
    const axesChanged = ["x_axis", "x_log", "y_log", "x_title", "y_title"]
      .some((name) => before?.[name] !== look[name]);
    const colors = theme(this.root);
    const dressed = JSON.stringify(colors) === JSON.stringify(this.theme);
    if (axesChanged) this.zoom = null;
    if (outcome === "same" && dressed && JSON.stringify(before) === JSON.stringify(look)) return;
    this.theme = colors;
    this.legend.update();
    if (axesChanged || !dressed || !this.uplot) this.restyle();
    else this.update();
  }

  /** Something is missing: ask for everything, once in a while. */
  ask() {
    if (performance.now() - this.asked < ASK_AGAIN && this.asked) return;
    this.asked = performance.now();
    this.tell("everything", true);
  }

  end() {
    this.observer.disconnect();
    this.uplot?.destroy();
    this.root.remove();
  }

  get curves() {
    return this.image.curves.filter((curve) => !this.hidden.has(curve.run));
  }

  get bands() {
    return this.image.bands.filter((band) => !this.hidden.has(band.name));
  }

  /** Set up uPlot anew: other axes, other colors. */
  restyle() {
    const { look } = this.image;
    if (!this.plot.clientWidth) return; // not shown yet; the observer comes back
    this.theme = theme(this.root);
    this.uplot?.destroy();
    const scale = (log, range) => ({ distr: log ? 3 : 1, range });
    this.measure();
    this.uplot = new uPlot(
      {
        width: this.plot.clientWidth,
        height: this.plot.clientHeight,
        padding: [8, this.legend.room, 0, 0],
        legend: { show: false },
        scales: {
          x: { ...scale(look.x_log, () => this.window.x), time: look.x_axis === "date" },
          y: scale(look.y_log, () => this.window.y),
        },
        axes: axes(this),
        series: [{}, { paths: () => null, points: { show: false } }],
        cursor: {
          x: false,
          y: false,
          points: { show: false },
          drag: { x: true, y: true, uni: 24, setScale: false },
          bind: { dblclick: () => () => this.reset() },
        },
        hooks: {
          ready: [(u) => this.layer(u)],
          setSelect: [(u) => this.pick(u)],
          draw: [() => this.paint()],
        },
      },
      [[this.window.x[0], this.window.x[1]], [this.window.y[0], this.window.y[1]]],
      this.plot,
    );
  }

  /** Canvases above the plot area: all curves, and the one under the pointer. */
  layer(u) {
    this.lines = document.createElement("canvas");
    this.lines.className = "lines";
    this.above = document.createElement("canvas");
    u.over.append(this.lines, this.above);
    this.uplot = u;
    this.pointer.attach(u.over);
    this.paint();
  }

  /** Draw what changed. */
  update() {
    if (!this.uplot) return this.restyle();
    this.measure();
    this.uplot.batch(() => {
      this.uplot.setScale("x", { min: this.window.x[0], max: this.window.x[1] });
      this.uplot.setScale("y", { min: this.window.y[0], max: this.window.y[1] });
      this.uplot.redraw(false, true);
    });
  }

  fit() {
    const [width, height] = [this.plot.clientWidth, this.plot.clientHeight];
    if (!width || !this.image.look) return;
    if (!this.uplot || this.legend.update()) return this.restyle();
    if (this.uplot.width === width && this.uplot.height === height) return;
    this.uplot.setSize({ width, height });
  }

  /** Decide what the axes show. */
  measure() {
    const { look, series } = this.image;
    const logs = { xLog: look.x_log, yLog: look.y_log };
    const all = extent(series, logs);
    const shown = this.fullRange || !look.cut ? all.y : look.range;
    const home = { x: roomy(all.x, look.x_log, 0.01), y: roomy(shown, look.y_log, 0.06) };
    this.window = { ...home };
    if (this.zoom) {
      this.window.x = this.zoom.x;
      const visible = [...this.curves.map((curve) => curve.points),
        ...this.bands.flatMap((band) => [band.low, band.high])];
      const inside = extent(visible, { ...logs, x: this.zoom.x, limits: home.y });
      this.window.y = this.zoom.y ?? (inside.y[0] <= inside.y[1] ? roomy(inside.y, look.y_log, 0.06) : home.y);
    }
    this.resetButton.hidden = !this.zoom;
    this.rangeButton.hidden = !look.cut;
    this.rangeButton.setAttribute("aria-pressed", this.fullRange);
    this.rangeButton.classList.toggle("told", !this.fullRange);
  }

  /** The part that was dragged over becomes what is shown. */
  pick(u) {
    const { left, top, width, height } = u.select;
    if (width < 5 && height < 5) return;
    const y = [u.posToVal(top + height, "y"), u.posToVal(top, "y")];
    const full = height >= u.over.clientHeight - 1;
    const x = width >= u.over.clientWidth - 1
      ? this.window.x
      : [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.zoom = { x, y: full ? (this.zoom?.y ?? null) : y };
    this.update();
  }

  reset() {
    this.zoom = null;
    this.update();
  }

  view(width, height) {
    const { look } = this.image;
    return new View(width, height, this.window.x, this.window.y, look.x_log, look.y_log);
  }

  paint() {
    const { over } = this.uplot;
    if (!this.lines) return;
    const [width, height] = [over.clientWidth, over.clientHeight];
    for (const canvas of [this.lines, this.above]) {
      canvas.width = width * devicePixelRatio;
      canvas.height = height * devicePixelRatio;
    }
    const ctx = this.lines.getContext("2d");
    ctx.scale(devicePixelRatio, devicePixelRatio);
    this.paintAll(ctx, this.view(width, height));
    this.legend.place();
    this.pointer.refresh();
    this.sayDrawn();
  }

  /** All bands and curves, those that stand out last. */
  paintAll(ctx, view) {
    const { look } = this.image;
    const { curves } = this;
    const out = new Set(look.highlighted);
    ctx.lineJoin = "round";
    for (const band of this.bands) paintBand(ctx, band, band.color || this.theme.text, view);
    const style = weight(look.dense ? look.highlighted.length : curves.length);
    const quiet = out.size ? { ...style, alpha: 0.35 * style.alpha } : style;
    if (!look.dense) {
      for (const curve of curves) if (!out.has(curve.run)) paintCurve(ctx, curve, view, quiet);
    }
    const loud = { width: Math.max(style.width, 2) + 0.4, alpha: 1 };
    for (const curve of curves) if (out.has(curve.run)) paintCurve(ctx, curve, view, loud);
  }

  /** For tests and measurements: so many curves stand on the screen at the next frame. */
  sayDrawn() {
    const curves = this.image.curves.length;
    requestAnimationFrame(() => {
      this.root.dataset.drawnCurves = curves;
      this.root.dataset.drawnPoints = this.image.series.reduce((sum, { count }) => sum + count, 0);
      performance.mark("kerascope-drawn", { detail: { curves } });
    });
  }
}
