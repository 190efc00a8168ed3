// PNG and SVG of what is shown, from one drawing of the whole chart.

import { SvgContext } from "./svg.js";

const HEAD = 28;
const FOOT = 20;
const ROW = 18;
const SHARPNESS = 2; // pixels of the image per pixel of the page

export function saveSvg(chart) {
  const { width, height } = size(chart);
  const ctx = new SvgContext(width, height, chart.theme.font);
  drawScene(ctx, chart);
  save(new Blob([ctx.toString()], { type: "image/svg+xml" }), `${chart.image.look.file}.svg`);
}

export function savePng(chart) {
  const { width, height } = size(chart);
  const canvas = document.createElement("canvas");
  canvas.width = width * SHARPNESS;
  canvas.height = height * SHARPNESS;
  const ctx = canvas.getContext("2d");
  ctx.scale(SHARPNESS, SHARPNESS);
  drawScene(ctx, chart);
  canvas.toBlob((blob) => save(blob, `${chart.image.look.file}.png`));
}

function size(chart) {
  const { width, height } = chart.uplot;
  return { width, height: HEAD + height + FOOT + legendRows(chart).length * ROW };
}

/** The entries below the chart, row by row, with where each begins. */
function legendRows(chart) {
  if (chart.legend.atEnds) return [];
  const ruler = new OffscreenCanvas(1, 1).getContext("2d");
  ruler.font = `12px ${chart.theme.font}`;
  const rows = [];
  let left = Infinity;
  for (const { key, item } of chart.legend.entries) {
    if (chart.hidden.has(key)) continue;
    const width = ruler.measureText(item.name).width + 34;
    if (left + width > chart.uplot.width) {
      rows.push([]);
      left = 0;
    }
    rows.at(-1).push({ ...item, left });
    left += width;
  }
  return rows;
}

function drawScene(ctx, chart) {
  const { theme, uplot, ticks, image } = chart;
  const { over } = uplot;
  const [left, top] = [over.offsetLeft, over.offsetTop + HEAD];
  const [width, height] = [over.clientWidth, over.clientHeight];
  const view = chart.view(width, height);
  const whole = size(chart);
  const text = (words, x, y, align, color = theme.muted) => {
    Object.assign(ctx, { fillStyle: color, textAlign: align, textBaseline: "middle", globalAlpha: 1 });
    ctx.font = `12px ${theme.font}`;
    ctx.fillText(words, x, y);
  };
  ctx.fillStyle = theme.background;
  ctx.fillRect(0, 0, whole.width, whole.height);
  text(image.look.y_title, 8, HEAD / 2, "left", theme.text);
  Object.assign(ctx, { strokeStyle: theme.grid, lineWidth: 1 });
  for (const { at, text: words } of ticks.y) {
    const y = top + view.top(at);
    ctx.strokeStyle = theme.grid;
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    text(words, left - 6, y, "right");
  }
  for (const { at, text: words } of ticks.x) text(words, left + view.left(at), top + height + 14, "center");
  text(image.look.x_title, left + width / 2, HEAD + uplot.height + FOOT / 2, "center");
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.translate(left, top);
  chart.paintAll(ctx, view);
  ctx.restore();
  drawLegend(ctx, chart, { left, top, width, view, text });
}

function drawLegend(ctx, chart, { left, top, width, view, text }) {
  const { legend, uplot, theme } = chart;
  if (legend.atEnds) {
    const tops = legend.ends(view);
    legend.entries.forEach(({ key, item }, i) => {
      if (!chart.hidden.has(key)) text(short(item.name), left + width + 8, top + tops[i], "left", item.color);
    });
  }
  legendRows(chart).forEach((row, i) => {
    const y = HEAD + uplot.height + FOOT + (i + 0.5) * ROW;
    for (const { name, color, left: x } of row) {
      ctx.fillStyle = color;
      ctx.fillRect(x + 8, y - 1.5, 10, 3);
      text(name, x + 24, y, "left", theme.text);
    }
  });
}

function short(name) {
  return name.length <= 16 ? name : `${name.slice(0, 15)}…`;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
