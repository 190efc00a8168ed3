// Fonts and colors of Streamlit's theme, as a canvas understands them.

export function theme(element) {
  const style = getComputedStyle(element);
  const named = (name, other) => style.getPropertyValue(`--st-${name}`).trim() || other;
  const text = rgb(named("text-color", "#1c2024"));
  const background = rgb(named("background-color", "#ffffff"));
  return {
    font: named("font", "sans-serif"),
    text: hex(text),
    background: hex(background),
    muted: hex(text.map((part, i) => 0.65 * part + 0.35 * background[i])),
    grid: hex(text.map((part, i) => 0.11 * part + 0.89 * background[i])),
  };
}

function rgb(color) {
  const canvas = new OffscreenCanvas(1, 1);
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = color;
  ctx.fillRect(0, 0, 1, 1);
  return [...ctx.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function hex(parts) {
  return `#${parts.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}
