// The panel about one node: what it is, what it said, how it did, what it cost.

/** Fill `box` with everything known about the chosen node. */
function drawDetails(app, box) {
  const node = app.run.nodes[app.state.node];
  const parts = node.id ? nodeParts(app, node) : rootParts(app, node);
  box.replaceChildren(el("header", {}, titleOf(app, node), pills(app, node)), ...parts.filter(Boolean));
  box.scrollTop = 0;
}

function titleOf(app, node) {
  const name = node.id ? [`#${node.id} `, el("span", { class: "kind" }, node.kind)] : [app.run.task];
  return el("h2", {}, glyphIcon(node, 22), name, node.id === app.run.answer ? el("span", { class: "tag answer" }, "answer") : null);
}

function pills(app, node) {
  const pill = (text, kind = "") => (text ? el("li", { class: kind }, text) : null);
  const spent = node.inputTokens + node.outputTokens;
  return el(
    "ul",
    { class: "pills" },
    pill(statusOf(node), node.mark),
    node.visible?.[2] ? pill(`visible ${fraction(node.visible)}`) : null,
    node.written?.[2] ? pill(`written ${fraction(node.written)}`) : null,
    node.pending ? pill(`${node.pending} in flight`, "flight") : null,
    node.reward === undefined ? null : pill(`reward ${figure(node.reward)}`),
    node.visits ? pill(plural(node.visits, "visit")) : null,
    spent ? pill(plural(spent, "token")) : null,
    node.callsPaid ? pill(dollars(node.dollars)) : null,
    node.callsPaid ? pill(seconds(node.seconds)) : null,
    [...node.made, ...node.asked].some((call) => call.simulated) ? pill("simulation", "simulation") : null,
  );
}

function nodeParts(app, node) {
  const { run } = app;
  const program = node.program === undefined ? null : run.text(node.program);
  const base = program === null ? null : comparedWith(run, node);
  return [
    section("path", "Path", breadcrumbs(app, node)),
    run.text(node.text).trim() && section("plan", node.kind === "program" ? "Written from" : "What it says", prose(run.text(node.text))),
    ...(node.notes ?? []).filter((note) => run.text(note[1]).length > 40).map((note) => noteSection(run, note)),
    testsSection(run, node),
    feedbackSection(run, node),
    run.text(node.review).trim() && section("review", "Review", prose(run.text(node.review))),
    base && section("diff", "Difference", el("p", { class: "quiet" }, jump(app, base.id, base.why)), () => diffBox(run.text(run.nodes[base.id].program), program)),
    program !== null && section("program", "Program", copyButton(program), () => code(program)),
    childrenSection(app, node),
    callsSection(app, "made", "Prompt and answer that made it", node.made),
    callsSection(app, "asked", "Asked at this node", node.asked.filter((call) => !call.made.includes(node.id))),
    section("figures", "Figures", figures(app, node)),
  ];
}

function rootParts(app, node) {
  const { run } = app;
  const roles = Object.entries(run.spend.calls_by_role);
  return [
    section("statement", "Task", prose(run.text(run.statement))),
    run.text(run.stub) && section("stub", "Stub", code(run.text(run.stub))),
    run.task_tests.length > 0 && section("tests", plural(run.task_tests.length, "visible test"), testTable(run, run.task_tests, null)),
    section("ending", "How it ended", prose(run.reason), run.path.length ? breadcrumbs(app, run.nodes[run.answer]) : el("p", { class: "quiet" }, "There is no answer.")),
    roles.length > 0 && section("roles", "Calls by role", facts(roles.map(([role, count]) => [role, whole(count)]))),
    run.models.length > 0 && section("models", "Models", facts(run.models.map(([model, used]) => [model, used.join(", ")]))),
    childrenSection(app, node),
    callsSection(app, "asked", "Asked for the whole task", node.asked),
    run.text(run.yaml) && section("recipe", `Recipe ${run.recipe}`, prose(run.text(run.yaml), "lines code")),
    section("figures", "Figures", figures(app, node)),
  ];
}

const closed = new Set(["made", "asked", "figures", "recipe", "stub"]); // sections the reader has closed

/** A part that can be closed; its content is made when it is first open. */
function section(name, title, ...content) {
  const body = el("div", { class: "inside" });
  const make = () => {
    if (!body.hasChildNodes()) body.append(...content.map((part) => (typeof part === "function" ? part() : part)));
  };
  const part = el("details", { class: name, "data-section": name, open: !closed.has(name) }, el("summary", {}, el("h3", {}, title)), body);
  part.addEventListener("toggle", () => {
    closed[part.open ? "delete" : "add"](name);
    if (part.open) make();
  });
  if (part.open) make();
  return part;
}

/** A link to another node. */
function jump(app, id, label = `#${id}`) {
  return el("a", { href: `#node=${id}`, onclick: (event) => (event.preventDefault(), app.select(id)) }, label);
}

function breadcrumbs(app, node) {
  const steps = pathTo(app.run.nodes, node.id).flatMap((id, place) => [place ? " › " : "", jump(app, id, id ? `#${id}` : "task")]);
  const others = node.parents.slice(1).flatMap((id) => [" + ", jump(app, id)]);
  return el("p", { class: "path" }, steps, others.length ? [el("span", { class: "quiet" }, " also from"), others] : null);
}

function noteSection(run, [name, text]) {
  return section(`note-${name}`, name.replaceAll("_", " "), prose(run.text(text)));
}

function testsSection(run, node) {
  if (!node.tests?.length) return node.program === undefined ? null : section("tests", "Tests", el("p", { class: "quiet" }, node.verdict ? "There were no tests." : "This program was not run."));
  return section("tests", "Tests", testTable(run, node.tests, node.verdict));
}

/** Input, expected and obtained of each test, visible ones first; without a verdict only the first two. */
function testTable(run, tests, verdict) {
  const names = [verdict && "", "input", "expected", verdict && "obtained"].filter((name) => name !== null);
  const table = el("table", { class: "tests" }, el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col" }, name)))));
  const origins = [...new Set(tests.map((place) => run.tests[place][2]))].sort((a, b) => (b === "visible") - (a === "visible"));
  for (const origin of origins) {
    const places = tests.map((place, index) => [place, index]).filter(([place]) => run.tests[place][2] === origin);
    const heading = el("th", { scope: "rowgroup", colspan: names.length }, el("span", { class: `tag ${origin}` }, plural(places.length, `${origin.replace("_", " ")} test`)));
    table.append(el("tbody", {}, el("tr", {}, heading), places.map(([place, index]) => testRow(run, run.tests[place], verdict, index))));
  }
  return el("div", { class: "wide" }, table);
}

function testRow(run, [input, expected], verdict, index) {
  const missing = [verdict?.status === "invalid" ? "invalid" : "unjudged", 0, 0];
  const [status, output, error] = verdict?.results[index] ?? missing;
  // What came back tells more than the exception that compared it.
  const obtained = run.text(status === "failed" ? output || error : error || output);
  const alone = !expected && el("td", { colspan: 2 }, prose(run.text(input), "value"));
  return el(
    "tr",
    {},
    verdict && el("td", {}, el("span", { class: `status ${status}` }, SIGNS[status] ?? status)),
    alone || [el("td", {}, prose(run.text(input), "value")), el("td", {}, prose(run.text(expected), "value"))],
    verdict && el("td", {}, obtained ? prose(obtained, "value") : el("span", { class: "quiet" }, status === "passed" ? "as expected" : "nothing")),
  );
}

const SIGNS = { passed: "✓", failed: "✗ wrong", crashed: "■ crashed", timed_out: "■ timed out", invalid: "■ no program", unjudged: "? not judged" };

function feedbackSection(run, node) {
  const { verdict } = node;
  if (!verdict) return null;
  const parts = [["error", verdict.error], ["standard output", verdict.stdout], ["standard error", verdict.stderr]].filter(([, text]) => run.text(text).trim());
  if (!parts.length && !verdict.note && !verdict.limit) return null;
  return section(
    "feedback",
    "Feedback",
    ...parts.flatMap(([name, text]) => [el("h4", {}, name), prose(run.text(text), "output")]),
    verdict.limit ? el("p", {}, `Ended by the limit on ${verdict.limit}.`) : "",
    verdict.note ? el("p", {}, readable(verdict.note)) : "",
  );
}

function childrenSection(app, node) {
  if (!node.children.length) return null;
  const most = 60;
  const links = node.children.slice(0, most).map((id) => {
    const child = app.run.nodes[id];
    const link = jump(app, id, "");
    link.append(glyphIcon(child, 14), `#${id} `, el("span", { class: "quiet" }, child.mark === "none" ? child.kind : tally(child)));
    return el("li", {}, link);
  });
  const more = node.children.length > most ? el("li", { class: "quiet" }, `and ${whole(node.children.length - most)} more`) : null;
  return section("children", plural(node.children.length, "child").replace("childs", "children"), el("ul", { class: "children" }, links, more));
}

function callsSection(app, name, title, calls) {
  if (!calls.length) return null;
  const heading = calls.length > 1 ? `${title} (${calls.length})` : title;
  return section(name, heading, () => {
    const parts = document.createDocumentFragment();
    parts.append(...calls.slice(0, 100).map((call) => callPart(app, call)));
    if (calls.length > 100) parts.append(el("p", { class: "quiet" }, `and ${whole(calls.length - 100)} more`));
    return parts;
  });
}

function callPart(app, call) {
  const { run } = app;
  const about = [call.role, call.action !== call.role && call.action, call.prompt].filter(Boolean).join(" · ");
  const tokens = `${call.estimated ? "about " : ""}${whole(call.input_tokens)} + ${whole(call.output_tokens)} tokens`;
  const cost = [tokens, dollars(call.dollars), seconds(call.seconds)].join(", ");
  const message = (role, text, kind = "") => el("div", { class: `message ${kind}` }, el("h5", {}, role), prose(text));
  const answer = call.error === null ? message("answer", run.text(call.reply), "answer") : message("failed", run.text(call.error), "error");
  const made = call.made.length > 1 ? el("p", { class: "quiet" }, "made ", call.made.flatMap((id) => [jump(app, id), " "])) : null;
  const tags = [call.simulated && el("span", { class: "tag simulation" }, "simulation"), call.adopted && el("span", { class: "tag" }, `taken from ${call.adopted}`)];
  return el("article", { class: "call" }, el("h4", {}, about), el("p", { class: "quiet" }, `${call.model}: ${cost} `, tags), made, call.messages.map(([role, text]) => message(role, run.text(text))), answer);
}

function figures(app, node) {
  const { verdict } = node;
  const rows = [
    ["depth", String(node.depth)],
    ["visits", whole(node.visits)],
    ["mean value", figure(node.mean)],
    ["best value", figure(node.best)],
    ["standard deviation", figure(node.deviation)],
    ["own reward", figure(node.reward)],
    ["prior", figure(node.prior)],
    ["nodes below", whole(node.below)],
    ["passing below", whole(node.passingBelow)],
    node.origin && ["written by", node.origin.filter(Boolean).join(" · ")],
    ...(node.notes ?? []).map(([name, text]) => [name, app.run.text(text)]).filter(([, text]) => text.length <= 40),
    verdict && ["run time", seconds(verdict.seconds)],
    verdict && ["peak memory", verdict.memory_mb ? `${verdict.memory_mb} MiB` : "–"],
    verdict && ["sandbox", verdict.level || "–"],
  ];
  return facts(rows.filter(Boolean));
}

function facts(rows) {
  return el("dl", { class: "facts" }, rows.flatMap(([name, value]) => [el("dt", {}, readable(name)), el("dd", {}, readable(value))]));
}

function copyButton(text) {
  const button = el("button", { class: "copy", "aria-label": "copy the program" }, "copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      button.textContent = "not allowed here"; // some browsers keep the clipboard from local files
    }
  });
  return button;
}
