// The top of the page: what was asked, how it ended, what it cost, and the controls.

const RESULTS = { solved: "✓ solved", unsolved: "✗ unsolved", unverified: "? unverified" };
const VIEWS = { tree: "Tree", icicle: "Icicle", table: "Table" };

/** Build the header once. */
function header(app) {
  const { run } = app;
  const badge = el("span", { class: `result ${run.result}` }, RESULTS[run.result] ?? run.result);
  const simulation = run.simulated && el("span", { class: "tag simulation", title: "Answers came from the simulated programmer, not from a language model." }, "simulation");
  const title = el("div", { class: "title" }, badge, el("h1", {}, readable(run.task)), el("span", { class: "recipe" }, "with ", el("b", {}, readable(run.recipe))), simulation);
  return el("header", { class: "top" }, el("div", { class: "bar" }, title, controls(app)), el("div", { class: "facts-bar" }, meters(run), origins(run)));
}

function controls(app) {
  const views = Object.entries(VIEWS).map(([name, label]) => el("button", { "data-view": name, onclick: () => app.show(name) }, label));
  app.search = el("input", { type: "search", id: "search", placeholder: "search  /", "aria-label": "search plans, programs, feedback and ids", oninput: () => app.find(app.search.value) });
  app.count = el("output", { class: "count" });
  app.fitButton = el("button", { class: "quiet-button", title: "fit the tree into the window (f)", onclick: () => app.fit() }, "fit");
  return el(
    "div",
    { class: "controls" },
    el("div", { class: "views", role: "group", "aria-label": "view" }, views),
    app.fitButton,
    el("span", { class: "search" }, app.search, app.count),
    el("button", { class: "quiet-button", title: "dark or light (d)", "aria-label": "dark or light", onclick: () => theme.toggle() }, "◐"),
    el("button", { class: "quiet-button", title: "keys (?)", "aria-label": "keys", onclick: () => app.help() }, "?"),
  );
}

/** What was used of each limit. */
function meters(run) {
  const { spend, limits } = run;
  const tokens = spend.input_tokens + spend.output_tokens;
  const about = spend.estimated_calls ? "≈ " : "";
  const priceless = spend.unpriced_calls;
  const cost = priceless && !spend.dollars ? "unknown" : `${dollars(spend.dollars)}${priceless ? " + unknown" : ""}`;
  const rows = [
    ["calls", spend.calls, whole(spend.calls), spend.failed_calls && `${spend.failed_calls} failed`],
    ["tokens", tokens, about + whole(tokens)],
    ["dollars", spend.dollars, cost, priceless && `price of ${plural(priceless, "call")} unknown`],
    ["executions", spend.executions, whole(spend.executions), spend.reused && `${whole(spend.reused)} reused`],
    ["seconds", spend.seconds, seconds(spend.seconds)],
    ["nodes", spend.nodes, whole(spend.nodes)],
  ];
  return el("ul", { class: "meters", "aria-label": "budget" }, rows.map(([name, used, shown, note]) => meter(name, used, shown, note, limits[name])));
}

function meter(name, used, shown, note, limit) {
  const label = { dollars: "cost", seconds: "time", executions: "programs run" }[name] ?? name;
  const share = limit ? Math.min(1, used / limit) : limit === 0 ? 1 : null;
  const written = { dollars, seconds }[name] ?? whole;
  const bar = svg("svg", { class: `bar${share >= 1 ? " full" : ""}`, viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" });
  if (share !== null) bar.append(svg("rect", { class: "all", width: 100, height: 4 }), svg("rect", { class: "used", width: 100 * share, height: 4 }));
  const of = limit === undefined ? null : el("span", { class: "quiet" }, ` of ${written(limit)}`);
  const hint = [limit === undefined && "no limit", note].filter(Boolean).join(", ");
  return el("li", { class: "meter", title: hint || null }, el("span", { class: "name" }, label), el("span", { class: "amount" }, shown, of), bar);
}

/** Models, seed, how it ended, and the hidden verdict, which the search never saw. */
function origins(run) {
  const { hidden } = run;
  const grade = hidden ? `${STATUS[hidden.status] ?? hidden.status}, ${hidden.passed} of ${hidden.total}` : "not graded";
  const mark = hidden ? hidden.status : "ungraded";
  const rows = [
    ["hidden tests", el("span", {}, el("span", { class: `hidden-grade ${mark}` }, grade), hidden ? el("span", { class: "quiet" }, " · not seen by the search") : null)],
    ["models", readable(run.models.map(([model]) => model).join(", ") || "none was asked")],
    run.seed === null ? null : ["seed", String(run.seed)],
    run.workers === null ? null : ["workers", String(run.workers)],
    ["ended", readable(run.reason)],
  ];
  return el("dl", { class: "origins" }, rows.filter(Boolean).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

const KEYS = [
  ["↑ ↓", "the node above or below"],
  ["← →", "to the parent, to a child"],
  ["Enter", "fold or unfold; zoom in the icicle"],
  ["Esc", "close, clear the search, zoom out"],
  ["/", "search; n and N go through what was found"],
  ["1 2 3", "tree, icicle, table"],
  ["a", "to the answer"],
  ["f + −", "fit the tree, larger, smaller"],
  ["d", "dark or light"],
  ["?", "this list"],
];

function helpDialog() {
  const close = el("button", { autofocus: true, onclick: () => dialog.close() }, "close");
  const rows = KEYS.map(([key, what]) => el("tr", {}, el("td", {}, key.split(" ").map((part) => el("kbd", {}, part))), el("td", {}, what)));
  const dialog = el("dialog", { class: "help", "aria-label": "keys" }, el("h2", {}, "Keys"), el("table", {}, el("tbody", {}, rows)), el("p", { class: "quiet" }, "A double click folds and unfolds too; links to #node=12 open a node."), close);
  return dialog;
}
