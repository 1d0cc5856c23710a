"use strict";
// Keeps the page as new as the database: asks for the version of what it shows, and fetches that again, without
// moving what the reader looks at, once the version is another one.
const PERIOD = 2000;
const WHY = {
  401: "the dashboard was started anew; open the address that it printed",
  404: "this is no longer in the database",
};
const live = document.getElementById("live");
const report = document.getElementById("report");
let shown = live.dataset.version;
let looking = false;

async function look() {
  if (looking) return;
  looking = true;
  try {
    const state = await (await asked(live.dataset.address)).json();
    await (report ? renewReport(state) : renewPage(state));
    live.className = "";
    live.textContent = report && !state.error && state.drawn !== state.version ? "live, drawing …" : "live";
  } catch (error) {
    live.className = "lost";
    live.textContent = WHY[error.message] ?? "no answer; is the dashboard still running?";
  } finally {
    looking = false;
  }
}

async function asked(address) {
  const answer = await fetch(address, { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.status);
  return answer;
}

async function renewPage(state) {
  if (state.version === shown) return;
  const answer = await asked(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const places = scrolled(document);
  document.getElementById("content").replaceWith(document.adoptNode(page.getElementById("content")));
  document.dispatchEvent(new Event("renewed"));
  scroll(document, places);
  shown = state.version;
}

async function renewReport(state) {
  document.getElementById("words").textContent = state.words;
  const notice = document.getElementById("notice");
  if (state.error && !report.querySelector("iframe")) notice.textContent = state.error;
  if (!state.drawn || state.drawn === shown) return;
  const old = report.querySelector("iframe");
  const next = await loaded();
  linkRuns(next.contentDocument);
  if (old) {
    next.contentWindow.scrollTo(0, old.contentWindow.scrollY);
    scroll(next.contentDocument, scrolled(old.contentDocument));
    old.remove();
  }
  notice.hidden = true;
  next.className = "";
  shown = state.drawn;
}

// The next report loads behind the one that is read.
function loaded() {
  const frame = document.createElement("iframe");
  frame.title = "Report";
  frame.className = "next";
  frame.src = `${report.dataset.address}/report`;
  return new Promise((resolve) => {
    frame.addEventListener("load", () => setTimeout(() => resolve(frame), 100), { once: true });
    report.append(frame);
  });
}

// The table of runs knows no addresses, since the report must also stand alone.
function linkRuns(page) {
  for (const cell of page.querySelectorAll("#trials tbody td:first-child")) {
    const number = cell.textContent.trim();
    if (!/^[0-9]+$/.test(number)) continue;
    const link = page.createElement("a");
    link.href = `${report.dataset.address}/trials/${number}`;
    link.target = "_top";
    link.textContent = number;
    cell.replaceChildren(link);
  }
}

function scrolled(page) {
  return [...page.querySelectorAll(".scroll")].map((element) => element.scrollTop);
}

function scroll(page, places) {
  page.querySelectorAll(".scroll").forEach((element, index) => { element.scrollTop = places[index] ?? 0; });
}

async function keepLooking() {
  if (!document.hidden) await look();
  setTimeout(keepLooking, PERIOD);
}

keepLooking();
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
