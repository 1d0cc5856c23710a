"use strict";
// Draws every figure from the JSON beside it, and fits the figures to the paper while the page is printed.
const PAPER_WIDTH = { one: 660, small: 205 };
// plotly.js offers by itself to upload each figure to its maker's servers.
const OPTIONS = { responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "" };
const NARROW = 500; // pixels; in a narrower figure the tools of plotly.js would lie on the legend
const figures = document.querySelectorAll(".figure");
for (const element of figures) {
  const figure = JSON.parse(document.getElementById(element.id + "-data").textContent);
  const bare = element.classList.contains("small") || element.clientWidth < NARROW;
  const options = bare ? { ...OPTIONS, displayModeBar: false } : OPTIONS;
  Plotly.newPlot(element, figure.data, figure.layout, options);
}
window.addEventListener("beforeprint", () => {
  for (const element of figures) {
    const width = element.classList.contains("small") ? PAPER_WIDTH.small : PAPER_WIDTH.one;
    Plotly.relayout(element, { width });
    Plotly.redraw(element); // the first drawing places the legend by the margins of the old width
  }
});
window.addEventListener("afterprint", () => {
  for (const element of figures) Plotly.relayout(element, { width: null, autosize: true });
});
