// The topology as a living map. dagre lays it out; here it is drawn once and then only kept up to date.

import { t, short, seconds } from "./words.js";

const NS = "http://www.w3.org/2000/svg";
const NODE = { width: 148, height: 70 };
const LABEL = { width: 104, height: 40 };
// With more edges than this, labels and moving lines would be noise.
const BUSY = 40;
// A cluster that has been silent for longer than this does not answer.
const SILENT = 5;

const element = (name, attributes = {}, ...children) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const keyboard = (target, act) => {
  target.addEventListener("click", act);
  target.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      act();
    }
  });
};

// What stays the same is not touched: it would be styled and drawn again.
const put = (target, name, value) => {
  if (target.getAttribute(name) !== value) target.setAttribute(name, value);
};

// How an edge is coloured: by what is gravest.
export function tone(edge) {
  if (edge.health === "alarm" || edge.state === "halted" || edge.state === "retrying") return "bad";
  if (edge.state === "paused") return "idle";
  if (edge.health === "warn") return "warn";
  if (edge.state === "starting") return "idle";
  return "good";
}

// How an edge stands, in one word: colours alone tell nothing to whoever does not see them.
export function standing(edge) {
  if (edge.health === "alarm") return "alarm";
  return edge.health === "warn" && ["running", "caught_up"].includes(edge.state) ? "warn" : edge.state;
}

export class Map {
  constructor(place, choose) {
    this.place = place;
    this.choose = choose;
    this.nodes = {};
    this.lines = {};
  }

  draw(clusters, edges) {
    const isNarrow = this.place.clientWidth < 560;
    const isBusy = edges.length > BUSY;
    const graph = new dagre.graphlib.Graph({ multigraph: true });
    graph.setGraph({
      rankdir: isNarrow ? "TB" : "LR", nodesep: 46, edgesep: 34, ranksep: isNarrow ? 46 : 110, marginx: 14, marginy: 14,
    });
    const used = new Set(edges.flatMap((edge) => [edge.source, edge.target]));
    for (const alias of new Set([...clusters.filter((c) => used.has(c)), ...used])) graph.setNode(alias, { ...NODE });
    const label = isBusy ? { width: 1, height: 1 } : LABEL;
    for (const edge of edges) graph.setEdge(edge.source, edge.target, { ...label, labelpos: "c" }, edge.name);
    dagre.layout(graph);
    const { width, height } = graph.graph();
    const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, class: isBusy ? "busy" : "" });
    // Small topologies are not blown up; large ones are made to fit.
    svg.style.maxWidth = `${Math.round(width * 1.25)}px`;
    svg.append(markers());
    this.nodes = {};
    this.lines = {};
    for (const key of graph.edges()) svg.append(this.line(key.name, key.v, key.w, graph.edge(key), isBusy));
    for (const alias of graph.nodes()) svg.append(this.node(alias, graph.node(alias)));
    this.place.replaceChildren(svg);
  }

  line(name, source, target, { points, x, y }, isBusy) {
    const way = smooth(points);
    const hit = element("path", { d: way, class: "hit" });
    const line = element("path", { d: way, class: "line" });
    const flow = element("path", { d: way, class: "flow" });
    const group = element("g", { class: "edge", tabindex: 0, role: "button", "data-edge": name }, hit, line, flow);
    const rate = element("text", { x, y: y - 3, class: "rate" });
    const lag = element("text", { x, y: y + 12, class: "lag" });
    if (!isBusy) {
      const { width, height } = LABEL;
      const box = { x: x - width / 2, y: y - height / 2, width, height, rx: 11, class: "label" };
      group.append(element("rect", box), rate, lag);
    }
    keyboard(group, () => this.choose(name));
    this.lines[name] = { group, line, flow, rate, lag, source, target };
    return group;
  }

  node(alias, { x, y, width, height }) {
    const box = element("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: 16 });
    const name = element("text", { x, y: y - 5, class: "alias" });
    name.textContent = alias;
    const sum = element("text", { x, y: y + 17, class: "sum" });
    const group = element("g", { class: "cluster", role: "img", "data-cluster": alias }, box, name, sum);
    this.nodes[alias] = { group, sum };
    return group;
  }

  update(edges, chosen) {
    const clusters = {};
    for (const edge of edges) {
      this.updateLine(edge, chosen);
      const seen = (alias, silence, into, out) => {
        const sum = (clusters[alias] ??= { silence: 0, into: 0, out: 0 });
        sum.silence = Math.max(sum.silence, silence);
        sum.into += into;
        sum.out += out;
      };
      seen(edge.source, edge.last_heard_seconds.source, 0, edge.records_per_second);
      seen(edge.target, edge.last_heard_seconds.target, edge.records_per_second, 0);
    }
    for (const [alias, { silence, into, out }] of Object.entries(clusters)) {
      const node = this.nodes[alias];
      if (!node) continue;
      const isSilent = silence > SILENT;
      node.group.setAttribute("class", `cluster ${isSilent ? "bad" : "good"}`);
      const sum = isSilent ? `${t("unreachable")} ${seconds(silence)}` : `↓ ${short(into)}/s   ↑ ${short(out)}/s`;
      if (node.sum.textContent !== sum) node.sum.textContent = sum;
      node.group.setAttribute("aria-label", `${alias}: ${sum}`);
    }
  }

  updateLine(edge, chosen) {
    const line = this.lines[edge.name];
    if (!line) return;
    const kind = tone(edge);
    const isMoving = edge.records_per_second >= 0.5 && kind !== "idle";
    put(line.group, "class", `edge ${kind}${edge.name === chosen ? " chosen" : ""}${isMoving ? " moving" : ""}`);
    // A hundred times the throughput is three times the width.
    const width = (2.2 + 1.5 * Math.log10(1 + edge.records_per_second)).toFixed(1);
    if (line.width !== width) {
      line.width = width;
      line.line.style.strokeWidth = width;
      line.flow.style.strokeWidth = Math.max(1.4, width / 2.6).toFixed(1);
    }
    put(line.line, "marker-end", `url(#end-${kind})`);
    const rate = `${short(edge.records_per_second)}/s`;
    const lag = kind === "good" && edge.lag_records === 0 ? t(edge.state) : `${t("lag")} ${short(edge.lag_records)}`;
    const shown = kind === "good" ? rate : t(standing(edge));
    if (line.rate.textContent !== shown) line.rate.textContent = shown;
    if (line.lag.textContent !== lag) line.lag.textContent = lag;
    const words = [`${edge.source} ${t("to")} ${edge.target}`, t(edge.state), t(edge.health), rate, `${t("lag")} ${edge.lag_records}`, ...edge.concerns];
    const label = `${edge.name}: ${words.join(", ")}`;
    put(line.group, "aria-label", label);
  }
}

function markers() {
  const of = (kind) => element("marker", {
    id: `end-${kind}`, viewBox: "0 0 10 10", refX: 8.5, refY: 5, markerWidth: 19, markerHeight: 19,
    orient: "auto-start-reverse", markerUnits: "userSpaceOnUse", class: kind,
  }, element("path", { d: "M1 1.2 9 5 1 8.8 3 5z" }));
  return element("defs", {}, ...["good", "warn", "bad", "idle"].map(of));
}

// A curve through the middles of dagre's way points.
function smooth([first, ...rest]) {
  let way = `M${first.x} ${first.y}`;
  for (let i = 0; i < rest.length - 1; i += 1) {
    const [at, next] = [rest[i], rest[i + 1]];
    const [x, y] = i === rest.length - 2 ? [next.x, next.y] : [(at.x + next.x) / 2, (at.y + next.y) / 2];
    way += ` Q${at.x} ${at.y} ${x} ${y}`;
  }
  return rest.length === 1 ? `${way} L${rest[0].x} ${rest[0].y}` : way;
}
