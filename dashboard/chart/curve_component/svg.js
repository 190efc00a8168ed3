// As much of a canvas' drawing context as the chart uses, written down as SVG.

const ANCHOR = { left: "start", center: "middle", right: "end" };
const BASELINE = { top: "hanging", middle: "central", alphabetic: "alphabetic" };

export class SvgContext {
  constructor(width, height, font) {
    this.size = [width, height];
    this.family = font;
    this.parts = [];
    this.clips = 0;
    this.open = []; // groups to close at restore()
    Object.assign(this, {
      fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, globalAlpha: 1, dash: [],
      textAlign: "left", textBaseline: "alphabetic", font: "12px sans-serif", path: "",
    });
  }

  save() {
    this.open.push(0);
  }

  restore() {
    this.parts.push("</g>".repeat(this.open.pop()));
  }

  group(attributes) {
    this.parts.push(`<g ${attributes}>`);
    this.open[this.open.length - 1] += 1;
  }

  translate(x, y) {
    this.group(`transform="translate(${x} ${y})"`);
  }

  rect(x, y, width, height) {
    this.path = `M${x} ${y}h${width}v${height}h${-width}z`;
  }

  clip() {
    this.clips += 1;
    this.parts.push(`<clipPath id="clip${this.clips}"><path d="${this.path}"/></clipPath>`);
    this.group(`clip-path="url(#clip${this.clips})"`);
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  beginPath() {
    this.path = "";
  }

  moveTo(x, y) {
    this.path += `M${round(x)} ${round(y)}`;
  }

  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${round(x)} ${round(y)}`;
  }

  closePath() {
    this.path += "z";
  }

  /** Whole circles only. */
  arc(x, y, radius) {
    const [r, d] = [round(radius), round(2 * radius)];
    this.path += `M${round(x - radius)} ${round(y)}a${r} ${r} 0 1 0 ${d} 0a${r} ${r} 0 1 0 ${-d} 0`;
  }

  stroke() {
    if (!this.path) return;
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    this.parts.push(
      `<path d="${this.path}" fill="none" stroke="${escape(this.strokeStyle)}" ` +
        `stroke-width="${round(this.lineWidth)}" stroke-opacity="${round(this.globalAlpha)}" ` +
        `stroke-linejoin="round"${dash}/>`,
    );
  }

  fill() {
    if (!this.path) return;
    this.parts.push(
      `<path d="${this.path}" fill="${escape(this.fillStyle)}" ` +
        `fill-opacity="${round(this.globalAlpha)}"/>`,
    );
  }

  fillRect(x, y, width, height) {
    this.rect(x, y, width, height);
    this.fill();
  }

  fillText(text, x, y) {
    this.parts.push(
      `<text x="${round(x)}" y="${round(y)}" fill="${escape(this.fillStyle)}" ` +
        `font-size="${parseFloat(this.font)}" text-anchor="${ANCHOR[this.textAlign]}" ` +
        `dominant-baseline="${BASELINE[this.textBaseline]}">${escape(text)}</text>`,
    );
  }

  toString() {
    const [width, height] = this.size;
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" font-family="${escape(this.family)}">` +
      `${this.parts.join("\n")}</svg>\n`
    );
  }
}

function round(value) {
  return Math.round(value * 100) / 100;
}

function escape(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return String(text).replace(/[&<>"]/g, (sign) => names[sign]);
}
