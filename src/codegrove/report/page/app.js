// The state of the page and everything that changes it.

const DRAW = { tree: drawTree, icicle: drawIcicle, table: drawTable };
const NEIGHBOUR = { tree: treeNeighbour, icicle: icicleNeighbour, table: tableNeighbour };
const MANY = 300; // nodes above which the icicle is shown first

/** Put the page together and return the actions that keys and clicks use. */
function startApp(run) {
  const asked = address.read();
  const state = {
    node: 0,
    view: run.nodes.length > MANY ? "icicle" : "tree",
    open: firstOpen(run),
    zoom: 1,
    inside: 0, // node that fills the icicle
    sort: { name: "node", down: false },
    query: "",
  };
  const app = { run, state, hits: null, dimmed: (id) => app.hits !== null && !app.hits.has(id) };
  const box = el("div", { class: "view", tabindex: 0 });
  const details = el("section", { class: "details", tabindex: 0, "aria-label": "chosen node" });
  const spoken = el("p", { class: "spoken", "aria-live": "polite" });
  const dialog = helpDialog();

  const draw = () => {
    box.onscroll = null;
    box.className = `view ${state.view}`;
    box.setAttribute("role", state.view === "table" ? "region" : "tree");
    box.setAttribute("aria-label", `${VIEWS[state.view]} of ${plural(run.nodes.length, "node")}`);
    DRAW[state.view](app, box);
    markChosen();
    for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", button.dataset.view === state.view);
    app.fitButton.hidden = state.view !== "tree";
  };
  const markChosen = () => {
    if (state.view !== "table") box.setAttribute("aria-activedescendant", `item-${state.node}`);
    else box.removeAttribute("aria-activedescendant");
  };
  const remember = () => address.write({ node: state.node, view: state.view === app.firstView ? "" : state.view, q: state.query });
  app.firstView = state.view;

  app.select = (id, { quiet = false } = {}) => {
    state.node = id;
    if (state.view === "tree") reveal(run, state.open, id);
    if (state.view === "icicle" && !pathTo(run.nodes, id).includes(state.inside)) state.inside = 0;
    if (state.view === "table" && !app.dimmed(id)) app.showRow?.(id);
    if (state.view === "table") chooseRow(id);
    else draw();
    drawDetails(app, details);
    scrollTo(id);
    spoken.textContent = sentence(run, run.nodes[id]);
    if (!quiet) remember();
  };
  const chooseRow = (id) => {
    for (const row of box.querySelectorAll("tr.chosen, [aria-selected=true]")) {
      row.classList.remove("chosen");
      row.setAttribute("aria-selected", "false");
    }
    const row = document.getElementById(`item-${id}`);
    row?.classList.add("chosen");
    row?.setAttribute("aria-selected", "true");
  };
  const scrollTo = (id) => {
    const item = document.getElementById(`item-${id}`);
    if (!item) return;
    const [frame, place] = [box.getBoundingClientRect(), item.getBoundingClientRect()];
    const margin = 34;
    const off = (low, high, from, to) => (low < from + margin ? low - from - margin : Math.max(0, Math.min(high - to + margin, low - from - margin)));
    box.scrollBy(state.view === "table" ? 0 : off(place.left, place.right, frame.left, frame.right), off(place.top, place.bottom, frame.top, frame.bottom));
  };
  app.show = (view) => {
    state.view = view;
    if (view === "tree") reveal(run, state.open, state.node);
    draw();
    scrollTo(state.node);
    remember();
  };
  app.fold = (id) => {
    if (state.view === "icicle") {
      // What has nothing below it is shown among its neighbours.
      const target = run.nodes[id].children.length ? id : run.nodes[id].parents[0] ?? 0;
      state.inside = state.inside === target ? run.nodes[target].parents[0] ?? 0 : target;
    } else toggleFold(run, state.open, id);
    // Folding a branch away takes the choice along to where it was folded.
    if (state.view === "tree" && !state.open.has(state.node)) return app.select(id);
    draw();
    scrollTo(id);
  };
  app.fit = () => {
    const picture = box.firstElementChild;
    const [width, height] = picture.getAttribute("viewBox").split(" ").slice(2).map(Number);
    const whole = Math.min(box.clientWidth / width, box.clientHeight / height);
    app.zoom(Math.abs(state.zoom - whole) < 0.01 ? 1 : whole);
  };
  app.zoom = (zoom) => {
    state.zoom = Math.max(0.1, Math.min(3, zoom));
    if (state.view === "tree") draw();
  };
  app.sortBy = (name) => {
    const { sort } = state;
    const numbers = !COLUMNS.find((column) => column.name === name).text && name !== "node" && name !== "parent";
    state.sort = { name, down: sort.name === name ? !sort.down : numbers };
    draw();
    box.querySelector(`[aria-sort]:not([aria-sort=none]) button`).focus();
  };
  app.find = (query) => {
    state.query = query;
    const hits = query.trim() ? run.found(query) : null;
    app.hits = hits && new Set(hits);
    app.count.textContent = hits ? (hits.length ? `${whole(hits.length)} found` : "nothing found") : "";
    draw();
    remember();
  };
  app.nextHit = (step) => {
    if (!app.hits?.size) return;
    const hits = [...app.hits].sort((a, b) => a - b);
    const after = step > 0 ? hits.find((id) => id > state.node) : hits.findLast((id) => id < state.node);
    app.select(after ?? hits.at(step > 0 ? 0 : -1));
  };
  app.move = (direction) => {
    const next = NEIGHBOUR[state.view](app, state.node, direction);
    if (next !== null && next !== undefined) app.select(next);
  };
  app.help = () => dialog.showModal();
  app.goTo = (values) => {
    const id = Number(values.get("node") ?? "x");
    const known = Number.isInteger(id) && id >= 0 && id < run.nodes.length && values.get("node").trim() !== "";
    if (values.get("view") in DRAW) state.view = values.get("view");
    app.search.value = values.get("q") ?? "";
    app.hits = null;
    state.node = known ? id : run.answer ?? 0;
    if (app.search.value) app.find(app.search.value);
    if (state.view === "table") draw();
    app.select(state.node, { quiet: true });
  };
  app.redraw = draw;

  const aside = el("div", { class: "stage" }, box, legend(run));
  document.body.append(header(app), el("main", {}, aside, details), spoken, dialog);
  document.title = `${run.task} · ${run.recipe}`;
  app.goTo(asked);
  return app;
}
