// One edge: small charts in its card, and everything about it in the panel when it is chosen.

import { t, short, full, seconds, bytes, clock } from "./words.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const make = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

// Times along a chart, to the second where they are that close.
const hours = (_, times, __, ___, step) => times.map((s) => clock(s * 1000).slice(0, step < 60 ? 8 : 5));

// A line over the last hour. Small ones have neither axes nor cursor.
export function chart(place, colour, height, isLarge) {
  const stroke = css(colour);
  const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui", size: 44 };
  return new uPlot({
    width: Math.max(place.clientWidth, 80), height, padding: isLarge ? [8, 8, 0, 0] : [3, 0, 3, 0],
    legend: { show: false }, cursor: { show: isLarge, y: false, points: { size: 7 } },
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(max * 1.15, 1)] } },
    axes: isLarge ? [{ ...axis, size: 26, space: 64, values: hours }, { ...axis, values: (_, ticks) => ticks.map(short) }] : [{ show: false }, { show: false }],
    series: [{}, { stroke, width: isLarge ? 2 : 1.6, fill: `${stroke}22`, points: { show: false } }],
  }, [[], []], place);
}

// An hour of points, and what is now at its end.
export function series(points, key, now) {
  const times = points.map((point) => point.at_ms / 1000);
  const values = points.map((point) => point[key]);
  return [[...times, Date.now() / 1000], [...values, now]];
}

export function facts(edge) {
  const dropped = Object.values(edge.dropped_total).reduce((a, b) => a + b, 0);
  const heard = edge.last_heard_seconds;
  return [
    [t("lag"), `${full(edge.lag_records)} ${t("lagUnit")}`], [t("age"), seconds(edge.lag_seconds)],
    [t("rate"), `${short(edge.records_per_second)} ${t("rateUnit")}`], [t("bytes"), bytes(edge.bytes_per_second)],
    [t("p50"), seconds(edge.latency_seconds?.p50)], [t("p99"), seconds(edge.latency_seconds?.p99)],
    [t("copied"), full(edge.records_total)], [t("dropped"), full(dropped)], [t("refused"), full(edge.refused_total)],
    [t("heard"), `${edge.source} ${seconds(heard.source)}, ${edge.target} ${seconds(heard.target)} ${t("ago")}`],
  ];
}

const PARTITIONS_MAX = 500;

const USUAL = "nothing left to copy";

// A state, and why it is in it: to be read without a pointer, also on a phone.
const state = (word, reason) => make("td", {}, make("span", { class: `chip ${word}` }, t(word)),
  reason && reason !== USUAL ? make("small", { class: "why" }, reason) : null);

// The rows of an edge's partitions: those that are worse come first.
export function partitions(edge) {
  const order = ["halted", "retrying", "starting", "running", "paused", "caught_up"];
  const rows = [...edge.partitions].sort((a, b) =>
    order.indexOf(a.state) - order.indexOf(b.state) || b.lag_records - a.lag_records
    || a.topic.localeCompare(b.topic) || a.partition - b.partition);
  const head = ["partition", "target", "state", "position", "lag"].map((word) => make("th", { scope: "col" }, t(word)));
  const body = rows.slice(0, PARTITIONS_MAX).map((p) => make("tr", {},
    make("th", { scope: "row" }, `${p.topic}-${p.partition}`), make("td", {}, p.target_topic),
    state(p.state, p.reason),
    make("td", { class: "number" }, full(p.position)), make("td", { class: "number" }, full(p.lag_records))));
  const rest = rows.length - body.length;
  return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body,
    rest > 0 ? make("tr", {}, make("td", { colspan: 5 }, `${full(rest)} ${t("more")}`)) : null));
}

// The rows of its consumer groups; nothing where none follow.
export function groups(edge) {
  const list = edge.group_sync?.groups ?? [];
  if (list.length === 0) return null;
  const head = ["group", "state", "partitions", "lag"].map((word) => make("th", { scope: "col" }, t(word)));
  const body = list.slice(0, PARTITIONS_MAX).map((g) => make("tr", {},
    make("th", { scope: "row" }, g.group), state(g.state, g.reason),
    make("td", { class: "number" }, `${full(g.synced)} / ${full(g.partitions)}`), make("td", { class: "number" }, full(g.lag_records))));
  return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
}
