// The run behind the page: nodes with their links, calls by node, texts put together from their lines.

/** Open the unpacked payload. */
function openRun(payload) {
  if (payload.kind !== "run" || payload.format !== 1) throw new Error("this page cannot read its data");
  const { run, nodes, calls, texts, lines, added, tests, verdicts } = payload;
  const text = (number) => (number ? texts[number].map((line) => lines[line]).join("\n") : "");
  nodes.forEach((node, id) => prepareNode(node, id, nodes, verdicts));
  const path = pathTo(nodes, run.answer);
  for (const id of path) nodes[id].onPath = true;
  for (let id = nodes.length - 1; id > 0; id--) sumUp(nodes[nodes[id].parents[0]], nodes[id]);
  calls.forEach((call) => assign(call, nodes, added[call.expansion] ?? []));
  return { ...run, nodes, calls, tests, text, path, found: searcher(nodes, tests, text) };
}

function prepareNode(node, id, nodes, verdicts) {
  const own = { id, children: [], depth: 0, below: 0, passingBelow: 0, onPath: false, made: [], asked: [] };
  Object.assign(node, own, { inputTokens: 0, outputTokens: 0, dollars: 0, seconds: 0, callsPaid: 0 });
  node.verdict = node.verdict === undefined ? null : verdicts[node.verdict];
  // The task's own tests count; written ones stand in only where a task has none.
  const [passed, judged, total] = node.visible?.[2] ? node.visible : node.written ?? [0, 0, 0];
  Object.assign(node, { passed, judged, total, share: judged ? passed / judged : null });
  node.worth = node.best ?? node.reward ?? node.share ?? -1;
  if (node.parents.length) {
    const parent = nodes[node.parents[0]];
    parent.children.push(id);
    node.depth = parent.depth + 1;
  }
}

function sumUp(parent, child) {
  parent.below += 1 + child.below;
  parent.passingBelow += (child.mark === "passed" ? 1 : 0) + child.passingBelow;
  // A plan is worth what came of it.
  if (child.worth > parent.worth) parent.worth = child.worth;
}

/** Show a call at the nodes it made and where it was asked; its cost is counted once, at the first of them. */
function assign(call, nodes, made) {
  call.made = made;
  for (const id of made) nodes[id].made.push(call);
  nodes[call.node].asked.push(call);
  const payer = nodes[made[0] ?? call.node];
  payer.callsPaid += 1;
  payer.inputTokens += call.input_tokens;
  payer.outputTokens += call.output_tokens;
  payer.seconds += call.seconds;
  payer.dollars = call.dollars === null || payer.dollars === null ? null : payer.dollars + call.dollars;
}

/** Ids from the root to a node. */
function pathTo(nodes, id) {
  const path = [];
  for (let at = id; at !== null && at !== undefined; at = nodes[at].parents[0]) path.push(at);
  return path.reverse();
}

/** The program a node's program is compared with, and why; null when there is none. */
function comparedWith(run, node) {
  const above = pathTo(run.nodes, node.parents[0]).reverse().find((id) => run.nodes[id].program !== undefined);
  if (above !== undefined) return { id: above, why: `against #${above}, which it was made from` };
  const siblings = run.nodes[node.parents[0] ?? 0].children;
  const before = siblings.filter((id) => id < node.id && run.nodes[id].program !== undefined).pop();
  if (before === undefined) return null;
  return { id: before, why: `against #${before}, the program before it at the same place` };
}

/** Search over ids, kinds, plans, programs, reviews and feedback; the texts are put together at first use. */
function searcher(nodes, tests, text) {
  let haystacks = null;
  const gather = (node) => {
    const feedback = node.verdict
      ? [node.verdict.error, node.verdict.stdout, node.verdict.stderr, ...node.verdict.results.flatMap((r) => [r[1], r[2]])]
      : [];
    const notes = (node.notes ?? []).map((note) => note[1]);
    const parts = [node.text, node.program, node.review, ...notes, ...feedback].map(text);
    return [node.kind, node.origin?.[0] ?? "", statusOf(node), ...parts].join("\n").toLowerCase();
  };
  return (query) => {
    const wanted = query.trim().toLowerCase();
    const id = /^#?(\d+)$/.exec(wanted);
    haystacks ??= nodes.map(gather);
    const hits = nodes.filter((node) => haystacks[node.id].includes(wanted)).map((node) => node.id);
    if (!id || !nodes[id[1]]) return hits;
    return wanted.startsWith("#") ? [Number(id[1])] : [...new Set([Number(id[1]), ...hits])];
  };
}

/** First words of a node's text. */
function words(run, node, most) {
  return shortened(run.text(node.text).slice(0, 4 * most), most);
}

/** One line of at most so many letters. */
function shortened(text, most) {
  const plain = text.replace(STRANGE, "\ufffd").replace(/\s+/g, " ").trim();
  return plain.length > most ? `${plain.slice(0, most - 1).trimEnd()}…` : plain;
}

/** "4/5": tests passed. Tests that could not be judged are not counted as failed: "3/4, 1 not judged". */
function tally(node) {
  if (!node.total) return "";
  const open = node.total - node.judged;
  if (open === node.total) return "?";
  return open ? `${node.passed}/${node.judged} ?${open}` : `${node.passed}/${node.total}`;
}

/** One sentence about a node, for screen readers and tooltips. */
function sentence(run, node) {
  const parts = [node.id ? `node ${node.id}, ${node.kind}` : `task ${run.task}`];
  if (node.mark !== "none") parts.push(statusOf(node));
  if (node.judged) parts.push(`${node.passed} of ${plural(node.judged, "judged test")} passed`);
  if (node.id === run.answer) parts.push("the answer");
  if (node.pending) parts.push("in flight");
  return parts.join(", ");
}

const STATUS = {
  passed: "passed",
  failed: "wrong answer",
  crashed: "crashed",
  timed_out: "timed out",
  invalid: "no valid program",
  unjudged: "could not be judged",
  not_run: "not run",
};

/** What became of a node's program, by the tests that decide its mark. */
function statusOf(node) {
  if (!node.status) return "";
  if (node.mark === "passed" && node.verdict.status !== "passed") return "passes the visible tests";
  return STATUS[node.status];
}
