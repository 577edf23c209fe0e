// Every node as a row; a click on a heading sorts, a second one turns the order round.

const ROWS_AT_ONCE = 300;

const fraction = ([passed, judged, total]) => (total ? `${passed}/${judged < total ? `${judged} ?${total - judged}` : total}` : "");
const ratio = (counts) => (counts?.[1] ? counts[0] / counts[1] : null);

// name, what it shows, and what it sorts by where that differs; numbers stand at the right.
const COLUMNS = [
  { name: "node", show: (node) => `#${node.id}`, key: (node) => node.id },
  { name: "parent", show: (node) => (node.parents.length ? `#${node.parents.join(" #")}` : ""), key: (node) => node.parents[0] ?? null },
  { name: "kind", text: true, show: (node) => node.kind },
  { name: "action", text: true, show: (node) => node.origin?.[0] ?? node.made[0]?.action ?? "" },
  { name: "status", text: true, show: (node) => statusOf(node) },
  { name: "visible", show: (node) => fraction(node.visible ?? [0, 0, 0]), key: (node) => ratio(node.visible) },
  { name: "written", show: (node) => fraction(node.written ?? [0, 0, 0]), key: (node) => ratio(node.written) },
  { name: "reward", show: (node) => figure(node.reward), key: (node) => node.reward ?? null },
  { name: "mean", show: (node) => figure(node.mean), key: (node) => node.mean ?? null },
  { name: "best", show: (node) => figure(node.best), key: (node) => node.best ?? null },
  { name: "visits", show: (node) => whole(node.visits), key: (node) => node.visits },
  { name: "depth", show: (node) => String(node.depth), key: (node) => node.depth },
  { name: "calls", show: (node) => String(node.callsPaid), key: (node) => node.callsPaid },
  { name: "tokens", show: (node) => whole(node.inputTokens + node.outputTokens), key: (node) => node.inputTokens + node.outputTokens },
  { name: "cost", show: (node) => (node.callsPaid ? dollars(node.dollars) : ""), key: (node) => (node.callsPaid ? node.dollars : null) },
  { name: "seconds", show: (node) => (node.callsPaid ? node.seconds.toFixed(2) : ""), key: (node) => (node.callsPaid ? node.seconds : null) },
  { name: "words", text: true, show: (node, run) => words(run, node, 70) },
];

/** Draw the table into `box`; rows beyond the first hundreds follow when the reader scrolls. */
function drawTable(app, box) {
  const { state } = app;
  const ids = (app.rows = sortedRows(app));
  const body = el("tbody");
  const grow = (until) => {
    const from = body.rows.length;
    body.append(...ids.slice(from, until).map((id) => rowOf(app, id)));
  };
  grow(Math.max(ROWS_AT_ONCE, ids.indexOf(state.node) + 50));
  box.onscroll = () => {
    if (box.scrollTop + 2 * box.clientHeight > body.offsetHeight) grow(body.rows.length + ROWS_AT_ONCE);
  };
  app.showRow = (id) => grow(ids.indexOf(id) + 50);
  box.replaceChildren(el("table", { class: "nodes" }, el("thead", {}, el("tr", {}, COLUMNS.map((column) => heading(app, column)))), body));
}

function heading(app, column) {
  const { sort } = app.state;
  const mine = sort.name === column.name;
  const arrow = mine ? (sort.down ? " ↓" : " ↑") : "";
  const button = el("button", { onclick: () => app.sortBy(column.name) }, column.name + arrow);
  return el("th", { scope: "col", class: column.text ? "" : "number", "aria-sort": mine ? (sort.down ? "descending" : "ascending") : "none" }, button);
}

function sortedRows(app) {
  const { run, state } = app;
  const column = COLUMNS.find(({ name }) => name === state.sort.name);
  const key = column.key ?? ((node) => column.show(node, run).toLowerCase());
  const ids = run.nodes.map((node) => node.id).filter((id) => !app.dimmed(id));
  const keys = new Map(ids.map((id) => [id, key(run.nodes[id])]));
  const sign = state.sort.down ? -1 : 1;
  return ids.sort((a, b) => {
    const [x, y] = [keys.get(a), keys.get(b)];
    // What is unknown comes last, whichever way the rest is sorted.
    if (x === null || y === null) return (x === null) - (y === null) || a - b;
    return x < y ? -sign : x > y ? sign : a - b;
  });
}

function rowOf(app, id) {
  const { run, state } = app;
  const node = run.nodes[id];
  const cells = COLUMNS.map((column, index) => {
    const shown = readable(column.show(node, run));
    return el("td", { class: column.text ? `c-${column.name}` : "number" }, index ? null : glyphIcon(node, 15), shown, index === 0 && id === run.answer ? el("span", { class: "tag answer" }, "answer") : null);
  });
  return el("tr", { id: `item-${id}`, class: id === state.node ? "chosen" : "", "aria-selected": String(id === state.node), onclick: () => app.select(id) }, cells);
}

/** The row above or below, or null. */
function tableNeighbour(app, id, direction) {
  if (direction === "left" || direction === "right") return null;
  return app.rows[app.rows.indexOf(id) + (direction === "down" ? 1 : -1)] ?? null;
}
