// The two tables of a comparison; a click on a heading sorts, a second one turns the order round.

const both = (cost, form) => (cost === null ? el("span", { class: "unknown" }, "unknown") : [form(cost.mean), el("span", { class: "quiet" }, ` / ${form(cost.median)}`)]);
const tenth = (number) => number.toFixed(1);
const signed = (share) => `${share > 0 ? "+" : ""}${percent(share)}`.replace("-", "−");
const chance = (p) => (p < 0.001 ? "< 0.001" : p.toFixed(3));

function rateCell(rate) {
  if (!rate) return el("span", { class: "quiet" }, "–");
  return el("span", { class: "rate", title: rate.method === "wilson" ? "Wilson interval" : "bootstrap over problems" }, el("b", {}, percent(rate.value)), el("span", { class: "quiet" }, `${percent(rate.low)} – ${percent(rate.high)}`));
}

const MOST_COLUMNS = 7; // of rates, when the costs still fit beside them

/** One row a method: how much it solves, and what it costs; as one table, or two where one would be too wide. */
function methodTables(data, colourOf, choose) {
  const { methods } = data;
  const name = { name: "method", text: true, key: (row) => row.label.toLowerCase(), show: (row) => methodCell(row, colourOf) };
  const [rates, costs] = [rateColumns(data, colourOf), costColumns()];
  const properties = (row) => ({ "data-label": row.label, onpointerenter: () => choose(row.label), onpointerleave: () => choose(null) });
  const table = (columns) => sortable("methods", [name, ...columns], methods, properties);
  if (rates.length <= MOST_COLUMNS) return [["Solved and spent", table([...rates, ...costs])]];
  return [["Solved", table(rates)], ["Spent", table(costs)]];
}

function rateColumns({ methods, ks }, colourOf) {
  const most = Math.min(1, Math.max(...methods.map((row) => row.pass_1.high)) + 0.02);
  return [
    { name: "pass@1, %", key: (row) => row.pass_1.value, show: (row) => rateCell(row.pass_1) },
    { name: `0 to ${Math.round(100 * most)} %`, picture: true, show: (row) => whiskers(row.pass_1, { from: 0, to: most, kind: paint(colourOf(row.label)), title: `${percent(row.pass_1.value)} %, interval ${percent(row.pass_1.low)} to ${percent(row.pass_1.high)} %` }) },
    methods.some((row) => row.pass_1_judged) && { name: "judged only", key: (row) => row.pass_1_judged?.value ?? null, show: (row) => rateCell(row.pass_1_judged) },
    methods.some((row) => row.unjudged) && { name: "unjudged", key: (row) => row.unjudged, show: (row) => whole(row.unjudged) },
    methods.some((row) => row.ungraded) && { name: "ungraded", key: (row) => row.ungraded, show: (row) => whole(row.ungraded) },
    ...ks.filter((k) => methods.some((row) => row.pass_k[k])).flatMap((k) => [
      { name: `pass@${k}`, hint: `any of ${k} attempts is right`, key: (row) => row.pass_k[k]?.value ?? null, show: (row) => rateCell(row.pass_k[k]) },
      { name: `1@${k}`, hint: `the one chosen by the visible tests out of ${k} attempts is right`, key: (row) => row.choose_k[k]?.value ?? null, show: (row) => rateCell(row.choose_k[k]) },
    ]),
    { name: "gap", hint: "points by which passing the visible tests promises more than the hidden tests confirm", key: (row) => row.gap?.value ?? null, show: gapCell },
  ].filter(Boolean);
}

function costColumns() {
  return [
    { name: "calls", hint: "mean / median of one attempt", key: (row) => row.costs.calls.mean, show: (row) => both(row.costs.calls, tenth) },
    { name: "tokens", hint: "mean / median of one attempt", key: (row) => row.costs.tokens.mean, show: (row) => both(row.costs.tokens, whole) },
    { name: "cost", hint: "dollars, mean / median of one attempt", key: (row) => row.costs.dollars?.mean ?? null, show: (row) => both(row.costs.dollars, dollars) },
    { name: "programs run", hint: "mean / median of one attempt", key: (row) => row.costs.executions.mean, show: (row) => both(row.costs.executions, tenth) },
    { name: "time", hint: "mean / median of one attempt", key: (row) => row.costs.seconds.mean, show: (row) => both(row.costs.seconds, seconds) },
  ];
}

function methodCell(row, colourOf) {
  return [
    swatch(colourOf(row.label)),
    el("b", {}, readable(row.label)),
    row.simulated && el("span", { class: "tag simulation" }, "simulation"),
    el("div", { class: "conditions" }, readable(`${row.models_text} · ${plural(row.problems, "problem")}, ${plural(row.attempts, "attempt")} · ${row.budget_text}`)),
  ];
}

function gapCell(row) {
  if (!row.gap) return el("span", { class: "quiet" }, "–");
  const { visible, hidden, misled, attempts } = row.gap;
  const wrong = misled === null ? "" : `; of those that pass the visible tests ${percent(misled)} % are wrong`;
  return el("span", { title: `of ${whole(attempts)} answers ${percent(visible)} % pass the visible and ${percent(hidden)} % the hidden tests${wrong}` }, signed(row.gap.value));
}

const power = (pair) => (pair.detectable === null ? "" : `; with so many problems coming out differently, ${percent(pair.detectable)} points are found four times in five`);

/** Every two methods that may be compared. */
function pairTable(data, colourOf) {
  const widest = Math.max(0.05, ...data.pairs.flatMap((pair) => [Math.abs(pair.low), Math.abs(pair.high)]));
  const name = (label) => [swatch(colourOf(label)), readable(label)];
  const count = (key, title) => ({ name: title, key: (pair) => pair[key], show: (pair) => (pair[key] === null ? "–" : whole(pair[key])) });
  const columns = [
    { name: "A", text: true, key: (pair) => pair.a.toLowerCase(), show: (pair) => name(pair.a) },
    { name: "B", text: true, key: (pair) => pair.b.toLowerCase(), show: (pair) => name(pair.b) },
    { name: "A − B, points", key: (pair) => pair.difference, show: (pair) => [el("b", {}, signed(pair.difference)), el("span", { class: "quiet" }, ` (${signed(pair.low)} to ${signed(pair.high)})`)] },
    { name: `−${Math.round(100 * widest)} to +${Math.round(100 * widest)} points`, picture: true, show: (pair) => whiskers({ value: pair.difference, low: pair.low, high: pair.high }, { from: -widest, to: widest, zero: 0, kind: pair.significant ? "sure" : "unsure", title: `${signed(pair.difference)} points, interval ${signed(pair.low)} to ${signed(pair.high)}` }) },
    count("only_a", "only A"),
    count("only_b", "only B"),
    count("both", "both"),
    count("neither", "neither"),
    { name: "p", hint: "of this pair alone", key: (pair) => pair.p, show: (pair) => el("span", { title: pair.test + power(pair) }, chance(pair.p)) },
    { name: "p, Holm", hint: "adjusted for the number of pairs", key: (pair) => pair.p_adjusted, show: (pair) => el("span", { class: pair.significant ? "sure" : "" }, chance(pair.p_adjusted)) },
  ];
  return sortable("pairs", columns, data.pairs, () => ({}));
}

function sortable(kind, columns, rows, properties) {
  const body = el("tbody");
  const head = el("tr");
  const draw = (sorted, column, down) => {
    const shown = rows.map((row, index) => [row, index]);
    if (sorted) {
      shown.sort(([a, i], [b, j]) => {
        const [x, y] = [column.key(a), column.key(b)];
        // What is unknown comes last, whichever way the rest is sorted.
        if (x === null || y === null) return (x === null) - (y === null) || i - j;
        return x < y ? (down ? 1 : -1) : x > y ? (down ? -1 : 1) : i - j;
      });
    }
    head.replaceChildren(
      ...columns.map((own) => {
        const mine = sorted && own === column;
        const label = `${own.name}${mine ? (down ? " ↓" : " ↑") : ""}`;
        const next = mine ? !down : !own.text;
        return el(
          "th",
          { scope: "col", class: own.text || own.picture ? "" : "number", title: own.hint, "aria-sort": mine ? (down ? "descending" : "ascending") : "none" },
          own.key ? el("button", { onclick: () => draw(true, own, next) }, label) : el("span", { class: "scale" }, label),
        );
      }),
    );
    body.replaceChildren(...shown.map(([row]) => el("tr", properties(row), columns.map((own) => el("td", { class: own.text ? "words" : own.picture ? "" : "number" }, own.show(row))))));
  };
  draw(false);
  return el("div", { class: "wide" }, el("table", { class: kind }, el("thead", {}, head), body));
}
