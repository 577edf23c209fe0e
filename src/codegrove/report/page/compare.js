// The page of a comparison: header, warnings, methods, curves, pairs, notes.

const FORMAT = 1;

function section(title, ...content) {
  return el("section", {}, el("h2", {}, title), content.flat());
}

function listOf(kind, texts) {
  return texts.length ? el("ul", { class: kind }, texts.map((text) => el("li", {}, readable(text)))) : null;
}

function top(data) {
  const [first] = data.methods;
  const alike = data.groups.length === 1;
  const facts = alike ? `${first.benchmark} · ${plural(first.problems, "problem")} · ${first.budget_text} per attempt` : "different conditions, see below";
  const title = el("h1", {}, data.methods.length === 1 ? "One method" : `${data.methods.length} methods ${data.ranked ? "compared" : "side by side"}`);
  const simulation = data.simulated && el("span", { class: "tag simulation", title: "Answers came from the simulated programmer, not from a language model." }, "simulation");
  const dark = el("button", { title: "dark or light (d)", "aria-label": "dark or light", onclick: () => theme.toggle() }, "◐");
  return el("header", {}, el("div", { class: "title" }, title, simulation, el("span", { class: "quiet" }, readable(facts))), dark);
}

function refusal(data) {
  if (data.ranked) return null;
  return el("div", { class: "refusal", role: "note" }, el("b", {}, "Not ranked: these methods cannot be compared with each other."), listOf("", data.refusals));
}

/** Two charts for every group of methods that may share one. */
function chartsOf(data, colourOf, choose) {
  return data.groups.flatMap((group) => {
    const own = data.curves.filter((curve) => group.includes(curve.label));
    const heading = data.groups.length > 1 && el("h3", {}, readable(group.join(", ")));
    const calls = own.filter((curve) => curve.axis === "calls");
    const key = needsKey(calls) && curveKey(calls, colourOf, choose);
    return [heading, key, el("div", { class: "charts" }, ["calls", "tokens"].map((axis) => curveChart(own.filter((curve) => curve.axis === axis), axis, colourOf, choose)))];
  });
}

async function start() {
  const data = await unpack("data");
  if (data.kind !== "comparison" || data.format !== FORMAT) throw new Error("the data inside is of another version");
  const places = new Map(data.methods.map((row, index) => [row.label, index]));
  const colourOf = (label) => places.get(label);
  const choose = (label) => {
    for (const element of document.querySelectorAll("[data-label]")) {
      const mine = element.getAttribute("data-label") === label;
      element.classList.toggle("chosen", mine);
      element.classList.toggle("dim", label !== null && !mine && element.matches(".curve"));
    }
  };
  const main = el(
    "main",
    {},
    top(data),
    refusal(data),
    listOf("warnings", data.warnings),
    ...methodTables(data, colourOf, choose).map(([title, table]) => section(title, table)),
    section("Solved within a budget", chartsOf(data, colourOf, choose)),
    data.pairs.length ? section("Pairs", pairTable(data, colourOf)) : null,
    section("How to read this", data.simulated ? el("p", { class: "simulated" }, "Simulation: answers came from the simulated programmer, not from a language model.") : null, listOf("notes", data.notes)),
  );
  document.body.append(main);
  addEventListener("keydown", (event) => {
    if (event.key === "d" && !event.ctrlKey && !event.metaKey && !event.altKey) theme.toggle();
  });
  // Two frames later the first picture is on the screen.
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("report-drawn")));
}

theme.restore();
start().catch((error) => {
  const hint = "This page could not be opened. It needs a browser of 2024 or later (Chrome 123, Firefox 120, Safari 17.5).";
  document.body.append(el("p", { class: "broken" }, `${hint} ${error}`));
});
