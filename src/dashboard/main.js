// The page: what the live stream says, shown; what is clicked, asked for.

import { t, speak, otherLanguage, short, clock } from "./words.js";
import { Map as TopologyMap, standing, tone } from "./map.js";
import { make, chart, series, facts, groups, partitions } from "./panel.js";

const $ = (id) => document.getElementById(id);
const POINT_MS = 10000;
const POINTS = 360;

const page = { about: null, edges: [], cards: {}, histories: {}, chosen: null, events: "", names: "", panel: null, heard: 0 };
const map = new TopologyMap($("map"), choose);

// ── what comes

async function json(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function listen() {
  const stream = new EventSource("/api/v1/live");
  stream.addEventListener("status", (event) => {
    page.heard = Date.now();
    take(JSON.parse(event.data));
  });
}

function take({ edges, events }) {
  page.edges = edges;
  const names = edges.map((edge) => edge.name).join("\n");
  if (names !== page.names) {
    const isChange = page.names !== "";
    page.names = names;
    redraw();
    // The topology is another one now: its clusters and findings may be too.
    if (isChange) json("/api/v1/topology").then((about) => { page.about = about; again(); });
  }
  show();
  const told = JSON.stringify(events);
  if (told !== page.events) {
    if (page.events !== "") tell(events, JSON.parse(page.events));
    page.events = told;
    showEvents(events);
  }
}

function redraw() {
  map.draw(page.about.clusters, page.edges);
  for (const card of Object.values(page.cards)) card.forget();
  page.cards = {};
  $("edges").replaceChildren(...page.edges.map((edge) => (page.cards[edge.name] = new Card(edge)).root));
}

function show() {
  map.update(page.edges, page.chosen);
  for (const edge of page.edges) page.cards[edge.name].update(edge);
  const states = {};
  for (const edge of page.edges) {
    const word = standing(edge);
    states[word] = (states[word] ?? 0) + 1;
  }
  const order = ["alarm", "halted", "retrying", "warn", "starting", "paused", "running", "caught_up"];
  const chips = order.filter((word) => states[word]).map((word) =>
    make("li", { class: `chip ${word}` }, `${states[word]} ${t(word)}`));
  if ($("tally").textContent !== chips.map((chip) => chip.textContent).join("")) $("tally").replaceChildren(...chips);
  if (page.panel) page.panel.update(page.edges.find((edge) => edge.name === page.chosen));
  showPulse();
}

function showPulse() {
  const isLive = Date.now() - page.heard < 4000;
  $("pulse").className = `pulse ${isLive ? "live" : "lost"}`;
  const word = t(isLive ? "live" : "lost");
  if ($("pulse").lastChild.textContent !== word) $("pulse").lastChild.textContent = word;
  document.body.classList.toggle("stale", !isLive);
}

function showEvents(events) {
  const rows = events.slice(-60).reverse().map((event) => make("li", { class: event.health },
    make("time", { datetime: new Date(event.at_ms).toISOString() }, clock(event.at_ms)),
    make("b", {}, event.edge), make("span", {}, inWords(event.text))));
  $("events").replaceChildren(...(rows.length ? rows : [make("li", { class: "empty" }, t("nothing"))]));
}

// What is new is said to whoever listens to the page: an alarm at once, all else in its turn.
function tell(events, known) {
  const last = known.at(-1)?.at_ms ?? 0;
  for (const event of events.filter((event) => event.at_ms > last)) {
    $(event.health === "alarm" ? "alarms" : "news").textContent = `${event.edge}: ${inWords(event.text)}`;
  }
}

// The state at the beginning of an event is in the reader's language.
function inWords(text) {
  const [word, ...rest] = text.split(": ");
  return [t(word), ...rest].join(": ");
}

function showFindings() {
  const rows = page.about.findings.map((finding) => make("li", {},
    make("span", { class: `chip ${finding.severity}` }, t(finding.severity)), make("code", {}, finding.code),
    make("span", {}, finding.message)));
  $("findings").replaceChildren(...(rows.length ? rows : [make("li", { class: "empty" }, t("none"))]));
}

// ── an edge's history: asked for once, then kept by what comes

async function history(name) {
  if (!page.histories[name]) {
    page.histories[name] = { points: [], at: Date.now() };
    page.histories[name].points = await json(`/api/v1/edges/${encodeURIComponent(name)}/history`);
  }
  return page.histories[name];
}

function remember(edge) {
  const kept = page.histories[edge.name];
  if (!kept || Date.now() - kept.at < POINT_MS) return;
  kept.at = Date.now();
  kept.points.push({
    at_ms: kept.at, lag_records: edge.lag_records, records_per_second: edge.records_per_second,
  });
  if (kept.points.length > POINTS) kept.points.shift();
}

// ── a card in the list

// Only cards that can be seen have charts: there may be hundreds.
const inSight = new IntersectionObserver((entries) => {
  for (const entry of entries) page.cards[entry.target.dataset.edge]?.sight(entry.isIntersecting);
}, { rootMargin: "150px" });

class Card {
  constructor(edge) {
    this.name = edge.name;
    this.state = make("span", { class: "chip" });
    this.lag = make("output");
    this.rate = make("output");
    this.lagChart = make("div", { class: "spark" });
    this.rateChart = make("div", { class: "spark" });
    const button = make("button", { type: "button", class: "open", onclick: () => choose(edge.name) },
      make("span", { class: "name" }, edge.name), make("small", {}, `${edge.source} → ${edge.target}`));
    const figure = (word, output, place) => make("div", { class: "figure" }, make("small", { "data-word": word }, t(word)), output, place);
    this.root = make("li", { class: "card edge-card", "data-edge": edge.name }, make("div", { class: "title" }, button, this.state),
      figure("lag", this.lag, this.lagChart), figure("rate", this.rate, this.rateChart));
    this.charts = null;
    inSight.observe(this.root);
  }

  async sight(isSeen) {
    if (isSeen && !this.charts) {
      this.charts = { lag: chart(this.lagChart, "--warm", 38), rate: chart(this.rateChart, "--cool", 38) };
      await history(this.name);
      this.update(page.edges.find((edge) => edge.name === this.name));
    } else if (!isSeen) {
      this.forget();
    }
  }

  forget() {
    if (!this.charts) return;
    this.charts.lag.destroy();
    this.charts.rate.destroy();
    this.charts = null;
  }

  update(edge) {
    if (!edge) return;
    remember(edge);
    const word = standing(edge);
    const kind = `card edge-card ${tone(edge)}${edge.name === page.chosen ? " chosen" : ""}`;
    if (this.root.className !== kind) this.root.className = kind;
    if (this.state.textContent !== t(word)) this.state.textContent = t(word);
    this.state.className = `chip ${word}`;
    this.lag.textContent = short(edge.lag_records);
    this.rate.textContent = `${short(edge.records_per_second)}/s`;
    const kept = page.histories[edge.name];
    if (!this.charts || !kept) return;
    this.charts.lag.setData(series(kept.points, "lag_records", edge.lag_records));
    this.charts.rate.setData(series(kept.points, "records_per_second", edge.records_per_second));
  }
}

// ── the chosen edge

class Panel {
  constructor(edge) {
    this.name = edge.name;
    this.facts = make("dl");
    this.reason = make("p", { class: "reason", role: "status" });
    this.group = make("p", { class: "group" });
    this.table = make("div", { class: "scroll", tabindex: 0 });
    this.toggle = make("button", { type: "button", class: "main", onclick: () => togglePause() });
    this.lag = make("div", { class: "plot" });
    this.rate = make("div", { class: "plot" });
    const plot = (word, place) => make("figure", {}, make("figcaption", {}, `${t(word)}, ${t("hour")}`), place);
    $("panel").replaceChildren(
      make("div", { class: "title" }, make("h2", { tabindex: -1 }, edge.name, make("small", {}, `${edge.source} → ${edge.target}`)),
        this.toggle, make("button", { type: "button", onclick: () => choose(null), "aria-label": t("close") }, "✕")),
      this.reason, this.facts, make("div", { class: "plots" }, plot("lag", this.lag), plot("rate", this.rate)), this.group, this.table);
    $("panel").hidden = false;
    this.charts = { lag: chart(this.lag, "--warm", 150, true), rate: chart(this.rate, "--cool", 150, true) };
    history(edge.name).then(() => this.update(edge));
    this.look();
    this.timer = setInterval(() => this.look(), 2000);
  }

  async look() {
    const edge = await json(`/api/v1/edges/${encodeURIComponent(this.name)}`).catch(() => null);
    if (!edge || page.panel !== this) return;
    this.table.replaceChildren(...[partitions(edge), groups(edge)].filter(Boolean));
    this.table.setAttribute("aria-label", t("partitions"));
    this.group.replaceChildren(`${t("group")} `, make("code", {}, edge.group));
  }

  update(edge) {
    if (!edge) return;
    this.facts.replaceChildren(...facts(edge).flatMap(([word, value]) => [make("div", {}, make("dt", {}, word), make("dd", {}, value))]));
    // One that runs has a reason only where something of it is not held here.
    const isCalm = edge.state === "caught_up" && !edge.source_gone?.length;
    const why = [...new Set([this.refusal, isCalm ? null : edge.reason, ...edge.concerns])].filter(Boolean).join(" · ");
    if (this.reason.textContent !== why) this.reason.textContent = why;
    this.reason.className = `reason ${tone(edge)}`;
    this.isPaused = edge.state === "paused";
    const verb = t(this.isPaused ? "resume" : "pause");
    if (this.toggle.textContent !== verb) this.toggle.textContent = verb;
    const kept = page.histories[edge.name];
    if (!kept) return;
    this.charts.lag.setData(series(kept.points, "lag_records", edge.lag_records));
    this.charts.rate.setData(series(kept.points, "records_per_second", edge.records_per_second));
  }

  forget() {
    clearInterval(this.timer);
    this.charts.lag.destroy();
    this.charts.rate.destroy();
  }
}

function choose(name) {
  const before = page.chosen;
  page.panel?.forget();
  page.panel = null;
  page.chosen = name === before ? null : name;
  $("panel").hidden = true;
  document.body.classList.toggle("opened", page.chosen !== null);
  const edge = page.edges.find((e) => e.name === page.chosen);
  if (edge) {
    page.panel = new Panel(edge);
    page.panel.update(edge);
    if (matchMedia("(max-width: 900px)").matches) $("panel").scrollIntoView({ block: "start" });
    $("panel").querySelector("h2").focus({ preventScroll: true });
  } else if (before) {
    page.cards[before]?.root.querySelector("button").focus({ preventScroll: true });
  }
  show();
}

// ── what is asked for

async function togglePause() {
  const panel = page.panel;
  const { name, isPaused } = panel;
  const token = page.about.wants_token ? sessionStorage.getItem("token") ?? await askToken() : "";
  if (token === null) return;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const path = `/api/v1/edges/${encodeURIComponent(name)}/${isPaused ? "resume" : "pause"}`;
  const answer = await fetch(path, { method: "POST", headers });
  if (answer.ok && token) sessionStorage.setItem("token", token);
  if (!answer.ok) sessionStorage.removeItem("token");
  // A refusal stays to be read until the next try.
  panel.refusal = answer.ok ? null : (await answer.text()).trim();
  if (page.panel === panel) panel.update(page.edges.find((edge) => edge.name === name));
}

function askToken() {
  const dialog = $("ask");
  $("token").value = "";
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes" ? $("token").value : null), { once: true });
  });
}

// Not a submit button: Enter in the field sends what was typed.
$("ask").querySelector("[value=no]").addEventListener("click", () => $("ask").close("no"));

// ── how it looks

function dress(next) {
  const wished = next ?? localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  if (next) localStorage.setItem("theme", next);
  document.documentElement.dataset.theme = wished;
  $("theme").textContent = t(wished === "dark" ? "light" : "dark");
}

// Charts take their colours and words when they are made.
function again() {
  if (!page.about) return;
  const chosen = page.chosen;
  if (chosen) choose(null);
  redraw();
  if (chosen) choose(chosen);
  showFindings();
  showEvents(JSON.parse(page.events || "[]"));
  $("language").textContent = t("other");
  $("theme").textContent = t(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  show();
}

$("language").addEventListener("click", () => { speak(otherLanguage()); again(); });
$("theme").addEventListener("click", () => { dress(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); again(); });
addEventListener("keydown", (event) => { if (event.key === "Escape" && page.chosen && !$("ask").open) choose(page.chosen); });
let width = innerWidth;
let settled = 0;
addEventListener("resize", () => {
  clearTimeout(settled);
  settled = setTimeout(() => { if (innerWidth !== width) { width = innerWidth; again(); } }, 200);
});
setInterval(showPulse, 1000);

speak();
dress();
$("language").textContent = t("other");
page.about = await json("/api/v1/topology");
document.title = `${page.about.topology} · crossdock`;
$("topology").textContent = page.about.topology;
$("instance").textContent = page.about.instance;
$("version").textContent = `crossdock ${page.about.version}`;
showFindings();
listen();
