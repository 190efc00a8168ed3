// The entry: Streamlit calls this at every message with the element to draw in and the data.

import { Chart } from "./chart.js";

const sheets = await Promise.all(
  ["vendor/uPlot.min.css", "style.css"].map(async (name) =>
    (await fetch(new URL(name, import.meta.url))).text(),
  ),
);
const charts = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  let chart = charts.get(parentElement);
  if (!chart) {
    const style = document.createElement("style");
    style.textContent = sheets.join("\n");
    parentElement.append(style);
    chart = new Chart(parentElement);
    charts.set(parentElement, chart);
  }
  chart.tell = setTriggerValue;
  chart.take(data);
  return () => {
    chart.end();
    charts.delete(parentElement);
  };
}
