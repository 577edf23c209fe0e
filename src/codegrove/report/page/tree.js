// The folded tree: root at the left, the answer's path in blue, edges as thick as the search visited them.

const ROWS = { least: 22, most: 34 }; // pixels from one row to the next
const WORDS = [36, 26, 18, 12]; // letters of a plan beside its node: as many as fit
const ROOT_LETTERS = 28; // of the task's name at the root
const LABEL = 14; // from a node's middle to its label
const LINK = { least: 44, most: 110 }; // pixels that edges have between a column's labels and the next column
const MARGIN = 26;

const ruler = document.createElement("canvas").getContext("2d");

/** Draw the tree into `box`. `app` has run, state and what to do on a click. */
function drawTree(app, box) {
  const { run, state } = app;
  const placed = tidyTree(run, state.open);
  ruler.font = `11.5px ${getComputedStyle(box).fontFamily}`;
  let widths = [];
  for (const most of WORDS) {
    widths = measure(run, state, placed, most);
    if (total(widths) + LINK.least * widths.length < box.clientWidth) break;
  }
  const [width, height] = putInPlace(placed, widths, box);
  const places = new Map(placed.map((at) => [at.node.id, at]));
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width: width * state.zoom, height: height * state.zoom });
  const chosen = new Set(pathTo(run.nodes, state.node));
  const edges = svg("g", { class: "edges" });
  // Paths come last, so that they lie on top.
  const rank = ({ node }) => (node.onPath ? 2 : chosen.has(node.id) ? 1 : 0);
  for (const at of [...placed].sort((a, b) => rank(a) - rank(b))) {
    if (at.parent !== null) edges.append(edge(run, places.get(at.parent), at, chosen.has(at.node.id)));
    for (const other of at.node.parents.slice(1)) {
      if (places.has(other)) edges.append(svg("path", { class: "edge second", d: curve(places.get(other), at) }));
    }
  }
  picture.append(edges, ...placed.map((at) => item(app, at)));
  box.replaceChildren(picture);
  app.places = places;
}

const total = (widths) => widths.reduce((sum, width) => sum + width, 0);

/** Write every node's label and return how wide each column of labels is. */
function measure(run, state, placed, most) {
  const widths = [];
  for (const at of placed) {
    at.label = labelOf(run, state, at.node, most);
    at.room = LABEL + 10 + at.label[0].length + ruler.measureText(at.label.filter(Boolean).join("  ")).width;
    widths[at.depth] = Math.max(widths[at.depth] ?? 0, at.room);
  }
  return widths;
}

/** Name, detail, and what is folded away. */
function labelOf(run, state, node, most) {
  const hidden = node.children.filter((child) => !state.open.has(child));
  const inside = hidden.reduce((sum, id) => sum + 1 + run.nodes[id].below, 0);
  const passing = hidden.reduce((sum, id) => sum + (run.nodes[id].mark === "passed") + run.nodes[id].passingBelow, 0);
  const detail = !node.id ? "" : node.mark === "none" ? words(run, node, most) : tally(node);
  return [node.id ? `#${node.id}` : shortened(run.task, ROOT_LETTERS), detail, inside ? `+${whole(inside)}` : "", passing ? `✓${whole(passing)}` : ""];
}

/** Give every node its x and y in pixels; columns are as wide as their labels need. Returns width and height. */
function putInPlace(placed, widths, box) {
  const links = widths.length - 1 || 1;
  const link = Math.max(LINK.least, Math.min(LINK.most, (box.clientWidth - 2 * MARGIN - total(widths)) / links));
  const starts = [MARGIN];
  widths.forEach((width, depth) => starts.push(starts[depth] + width + link));
  const [top, bottom] = [Math.min(...placed.map((at) => at.y)), Math.max(...placed.map((at) => at.y))];
  const row = Math.max(ROWS.least, Math.min(ROWS.most, (box.clientHeight - 2 * MARGIN) / Math.max(1, bottom - top)));
  for (const at of placed) {
    at.x = starts[at.depth];
    at.y = (at.y - top) * row + MARGIN;
  }
  return [starts[widths.length] - link + MARGIN, (bottom - top) * row + 2 * MARGIN];
}

function edge(run, from, to, chosen) {
  const most = Math.max(1, run.nodes[0].visits);
  const kind = `edge${to.node.onPath ? " path" : ""}${chosen ? " chosen" : ""}`;
  const width = to.node.onPath ? 2.6 : 1 + 2.4 * Math.sqrt(Math.min(1, to.node.visits / most));
  return svg("path", { class: kind, d: curve(from, to), "stroke-width": width.toFixed(2) });
}

/** From the end of a label to the next sign. */
function curve(from, to) {
  const [start, end] = [from.x + from.room, to.x - 9];
  const middle = (start + end) / 2;
  return `M${start.toFixed(1)} ${from.y.toFixed(1)}C${middle.toFixed(1)} ${from.y.toFixed(1)} ${middle.toFixed(1)} ${to.y.toFixed(1)} ${end.toFixed(1)} ${to.y.toFixed(1)}`;
}

function item(app, at) {
  const { run, state } = app;
  const { node } = at;
  const [name, detail, folded, passing] = at.label;
  const group = svg("g", {
    id: `item-${node.id}`,
    class: `item${node.id === state.node ? " chosen" : ""}${app.dimmed(node.id) ? " dim" : ""}`,
    transform: `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`,
    role: "treeitem",
    "aria-level": node.depth + 1,
    "aria-selected": String(node.id === state.node),
    "aria-expanded": node.children.length ? String(!folded) : null,
    "aria-label": sentence(run, node),
    onclick: () => app.select(node.id),
    ondblclick: () => app.fold(node.id),
  });
  const label = svg("text", { class: "label", x: LABEL, y: 4 });
  label.append(svg("tspan", { class: "name" }, readable(name)), detail ? svg("tspan", { class: "detail", dx: 4 }, detail) : "");
  if (folded) {
    const badge = svg("tspan", { class: "folded", dx: 5, onclick: (event) => (event.stopPropagation(), app.fold(node.id)) }, folded);
    if (passing) badge.append(svg("tspan", { class: "good", dx: 4 }, passing));
    label.append(badge);
  }
  const halo = svg("rect", { class: "halo", x: -13, y: -12, width: at.room + 13, height: 24, rx: 12 });
  group.append(halo, glyph(node, { answer: node.id === run.answer }), label);
  return group;
}

/** The open node next to `id` in a direction, or null. */
function treeNeighbour(app, id, direction) {
  const { run, state, places } = app;
  if (direction === "left") return run.nodes[id].parents[0] ?? null;
  if (direction === "right") {
    if (!run.nodes[id].children.length) return null;
    if (!openChildren(run, state.open, id).length) app.fold(id);
    const children = openChildren(run, state.open, id);
    return children.find((child) => run.nodes[child].onPath) ?? children[0];
  }
  const here = places.get(id);
  const sign = direction === "down" ? 1 : -1;
  const beyond = [...places.values()].filter((at) => at.x === here.x && sign * (at.y - here.y) > 0);
  beyond.sort((a, b) => sign * (a.y - b.y));
  return beyond[0]?.node.id ?? null;
}
