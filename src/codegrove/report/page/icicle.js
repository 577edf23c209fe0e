// The whole tree at once: every node is a cell beside its parent, as high as it has leaves.

const LETTER = 6.1; // pixels of one letter, about
const CELL_TEXT = 13; // pixels of height from which a cell has a label
const THINNEST = 0.7; // pixels a cell has at least, so that none disappears
const NARROWEST = 44; // pixels of a column

/** Draw the icicle into `box`; a zoomed node fills the height. */
function drawIcicle(app, box) {
  const { run, state } = app;
  app.cells ??= icicleCells(run);
  const zoomed = app.cells.find((cell) => cell.node.id === state.inside);
  const height = Math.max(260, box.clientHeight - 12);
  const dust = 1e-9; // neighbours touch but for rounding
  const inside = app.cells.filter((cell) => cell.bottom > zoomed.top + dust && cell.top < zoomed.bottom - dust);
  const deepest = inside.reduce((most, cell) => Math.max(most, cell.node.depth), 0);
  const first = Math.max(0, zoomed.node.depth - 1);
  const column = Math.max(NARROWEST, Math.min(240, (box.clientWidth - 12) / (deepest - first + 1)));
  const width = (deepest - first + 1) * column;
  const picture = svg("svg", { class: "icicle", viewBox: `-2 -2 ${width + 4} ${height + 4}`, width: width + 4, height: height + 4 });
  picture.append(stripes());
  const scale = height / (zoomed.bottom - zoomed.top);
  app.places = new Map();
  const frames = [];
  for (const cell of inside) {
    const top = Math.max(0, (cell.top - zoomed.top) * scale);
    const bottom = Math.min(height, (cell.bottom - zoomed.top) * scale);
    if (cell.node.depth < first) continue;
    const place = { node: cell.node, x: (cell.node.depth - first) * column, y: top, height: Math.max(THINNEST, bottom - top) };
    app.places.set(cell.node.id, place);
    picture.append(cellOf(app, place, column));
    if (cell.node.onPath || cell.node.id === state.node) frames.push(frame(app, place, column));
  }
  picture.append(...frames);
  box.replaceChildren(picture);
}

function cellOf(app, place, column) {
  const { run, state } = app;
  const { node } = place;
  const gap = place.height > 3 ? 1 : 0;
  const group = svg("g", {
    id: `item-${node.id}`,
    class: `cell ${node.mark}${app.dimmed(node.id) ? " dim" : ""}`,
    role: "treeitem",
    "aria-level": node.depth + 1,
    "aria-selected": String(node.id === state.node),
    "aria-label": sentence(run, node),
    onclick: () => app.select(node.id),
    ondblclick: () => app.fold(node.id),
  });
  const body = svg("rect", { class: "body", x: place.x, y: place.y, width: column - 1, height: place.height - gap });
  if (node.mark === "failed") body.setAttribute("fill-opacity", 0.22 + 0.78 * (node.share ?? 0));
  group.append(body);
  if (place.height >= CELL_TEXT) {
    const room = Math.floor((column - 12) / LETTER);
    const name = node.id ? `#${node.id} ${node.mark === "none" ? words(run, node, 80) : tally(node)}` : run.task;
    const strong = node.mark === "passed" || (node.mark === "failed" && node.share > 0.7);
    group.append(svg("text", { class: strong ? "on" : "", x: place.x + 6, y: place.y + Math.min(place.height / 2, 200) + 4 }, shortened(name, room)));
  }
  return group;
}

function frame(app, place, column) {
  const { node } = place;
  const kind = `frame${node.id === app.state.node ? " chosen" : ""}${node.id === app.run.answer ? " answer" : ""}`;
  const height = Math.max(7, place.height - 1); // a frame around a thin cell does not hide it
  const y = place.y - Math.max(0, 7 - place.height) / 2;
  return svg("rect", { class: kind, x: place.x, y, width: column - 1, height, rx: 1.5 });
}

/** What crashed is hatched, so that it is told apart without colour. */
function stripes() {
  const line = svg("path", { d: "M0 5L5 0", class: "hatch" });
  const pattern = svg("pattern", { id: "stripes", width: 5, height: 5, patternUnits: "userSpaceOnUse" }, svg("rect", { width: 5, height: 5, class: "hatched" }), line);
  return svg("defs", {}, pattern);
}

/** The cell next to `id` in a direction, or null. */
function icicleNeighbour(app, id, direction) {
  const { run } = app;
  if (direction === "left") return run.nodes[id].parents[0] ?? null;
  if (direction === "right") return run.nodes[id].children.find((child) => run.nodes[child].onPath) ?? run.nodes[id].children[0] ?? null;
  app.columns ??= byDepth(app.cells);
  const column = app.columns[run.nodes[id].depth];
  return column[column.indexOf(id) + (direction === "down" ? 1 : -1)] ?? null;
}

function byDepth(cells) {
  const columns = [];
  for (const { node } of [...cells].sort((a, b) => a.top - b.top)) (columns[node.depth] ??= []).push(node.id);
  return columns;
}
