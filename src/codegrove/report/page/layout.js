// Which nodes are open, and where they stand. The layouts themselves are d3-hierarchy's.

const FIRST_ROWS = 70; // nodes the tree opens with
const FIRST_CHILDREN = 4; // at most so many per node at first, so that one branch does not take all the room
const ROOT_CHILDREN = 12; // of the root, whose children are whole approaches
const UNFOLDED = 200; // children shown when a node is unfolded
const LONGEST_PATH = 200; // nodes of the answer's path that are open at first

/** The nodes to open with: the answer's path, the branches at the root, then upward paths by worth. */
function firstOpen(run) {
  const open = new Set([0, ...run.path.slice(0, LONGEST_PATH)]);
  const shown = new Map();
  const count = (id) => shown.set(run.nodes[id].parents[0], (shown.get(run.nodes[id].parents[0]) ?? 0) + 1);
  const room = (id) => {
    const parent = run.nodes[id].parents[0];
    return (shown.get(parent) ?? 0) < (parent === 0 ? ROOT_CHILDREN : FIRST_CHILDREN);
  };
  open.forEach((id) => id && count(id));
  const add = (id) => {
    const missing = [];
    for (let at = id; !open.has(at) && missing.length < FIRST_ROWS; at = run.nodes[at].parents[0]) missing.push(at);
    if (open.size + missing.length > FIRST_ROWS || !missing.every(room)) return;
    for (const at of missing) {
      open.add(at);
      count(at);
    }
  };
  const byWorth = (a, b) => run.nodes[b].worth - run.nodes[a].worth || run.nodes[a].depth - run.nodes[b].depth || a - b;
  [...run.nodes[0].children].sort(byWorth).slice(0, ROOT_CHILDREN).forEach(add);
  run.nodes.map((node) => node.id).sort(byWorth).forEach(add);
  return open;
}

const openChildren = (run, open, id) => run.nodes[id].children.filter((child) => open.has(child));

/** Unfold a node one level, or fold everything below it. */
function toggleFold(run, open, id) {
  const hidden = run.nodes[id].children.filter((child) => !open.has(child));
  if (hidden.length) {
    hidden.slice(0, UNFOLDED).forEach((child) => open.add(child));
    return;
  }
  const stack = [...run.nodes[id].children];
  while (stack.length) {
    const at = stack.pop();
    if (open.delete(at)) stack.push(...run.nodes[at].children);
  }
}

/** Open the path to a node. Returns whether anything changed. */
function reveal(run, open, id) {
  const before = open.size;
  pathTo(run.nodes, id).forEach((at) => open.add(at));
  return open.size > before;
}

/** A tidy tree of the open nodes: [{node, depth, y, parent}], y in rows. */
function tidyTree(run, open) {
  const root = d3.hierarchy(0, (id) => openChildren(run, open, id));
  d3.tree()
    .nodeSize([1, 1])
    .separation((a, b) => (a.parent === b.parent ? 1 : 1.3))(root);
  return root.descendants().map((at) => ({ node: run.nodes[at.data], depth: at.depth, y: at.x, parent: at.parent?.data ?? null }));
}

/** Every node as a cell between 0 and 1 from top to bottom; as high as it has leaves. */
function icicleCells(run) {
  const root = d3.hierarchy(0, (id) => run.nodes[id].children).count();
  d3.partition().size([1, 1])(root);
  return root.descendants().map((at) => ({ node: run.nodes[at.data], top: at.x0, bottom: at.x1 }));
}
