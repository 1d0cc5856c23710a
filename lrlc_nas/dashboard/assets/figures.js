"use strict";
// Draws every figure from the JSON beside it, and again when the page has been brought up to date.
// plotly.js offers by itself to upload each figure to its maker's servers.
const OPTIONS = { responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "" };

function draw() {
  for (const element of document.querySelectorAll(".figure")) {
    const figure = JSON.parse(document.getElementById(element.id + "-data").textContent);
    Plotly.newPlot(element, figure.data, figure.layout, OPTIONS);
  }
}

draw();
document.addEventListener("renewed", draw);
