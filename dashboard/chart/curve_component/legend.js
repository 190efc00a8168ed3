// The legend: buttons that show and hide a run or a band. Where the lines are few and the page is
// wide their names stand at their ends, else below the chart; above twelve only hovering tells.

const MOST = 12;
const MOST_AT_ENDS = 10;
const ROOM = 112; // pixels right of the plot
const WIDE = 560;
const APART = 16;

export class Legend {
  constructor(chart) {
    this.chart = chart;
    this.entries = [];
    this.room = 12;
  }

  /** Make the entries anew if need be; returns whether the room beside the plot changed. */
  update() {
    const { chart } = this;
    const { look, curves, bands } = chart.image;
    const found = new Map();
    for (const band of bands) if (band.color) found.set(band.name, band);
    for (const curve of look.dense ? [] : curves) {
      if (!found.has(curve.run)) found.set(curve.run, curve);
      if (found.size > MOST) break;
    }
    const listed = found.size > 1 && found.size <= MOST ? [...found] : [];
    const atEnds = look.labels && listed.length > 0 && listed.length <= MOST_AT_ENDS &&
      chart.root.clientWidth >= WIDE;
    const wanted = JSON.stringify([atEnds, listed.map(([key, { name, color }]) => [key, name, color])]);
    if (wanted === this.made) return false;
    this.made = wanted;
    this.atEnds = atEnds;
    for (const { button } of this.entries) button.remove();
    this.entries = listed.map(([key, item]) => ({ key, item, button: this.button(key, item) }));
    const room = atEnds ? ROOM : 12;
    const changed = room !== this.room;
    this.room = room;
    return changed;
  }

  button(key, { name, color }) {
    const { chart } = this;
    const button = document.createElement("button");
    button.type = "button";
    button.className = this.atEnds ? "entry at-end" : "entry";
    button.textContent = name;
    button.title = `${name}: show or hide`;
    button.style.setProperty("--color", color);
    button.setAttribute("aria-pressed", !chart.hidden.has(key));
    button.addEventListener("click", () => {
      if (!chart.hidden.delete(key)) chart.hidden.add(key);
      button.setAttribute("aria-pressed", !chart.hidden.has(key));
      chart.update();
    });
    (this.atEnds ? chart.plot : chart.legendBox).append(button);
    return button;
  }

  /** Bring the names to the ends of their lines, clear of each other. */
  place() {
    if (!this.atEnds) return;
    const { over } = this.chart.uplot;
    const tops = this.ends(this.chart.view(over.clientWidth, over.clientHeight));
    const left = over.offsetLeft + over.clientWidth + 6;
    this.entries.forEach(({ button }, i) => {
      button.style.left = `${left}px`;
      button.style.top = `${over.offsetTop + tops[i]}px`;
    });
  }

  /** Where each name stands, in pixels from the top of the plot. */
  ends(view) {
    const { curves } = this.chart.image;
    const wanted = this.entries.map(({ key, item }) => {
      const points = item.middle ?? curves.find((curve) => curve.run === key).points;
      let last = points.count - 1;
      while (last >= 0 && Number.isNaN(view.top(points.y[last]))) last -= 1;
      return last < 0 ? 0 : Math.min(Math.max(view.top(points.y[last]), 8), view.height - 8);
    });
    return spread(wanted, APART, view.height);
  }
}

/** The positions moved until they are `apart`, in the same order. */
function spread(wanted, apart, height) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const at = order.map((i) => wanted[i]);
  const gap = Math.min(apart, height / Math.max(at.length, 1));
  for (let i = 1; i < at.length; i++) at[i] = Math.max(at[i], at[i - 1] + gap);
  for (let i = at.length - 1; i >= 0; i--) {
    at[i] = Math.min(at[i], i === at.length - 1 ? height - 8 : at[i + 1] - gap);
  }
  const found = [];
  order.forEach((i, k) => (found[i] = at[k]));
  return found;
}
