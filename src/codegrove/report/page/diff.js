// A difference by lines: longest common subsequence of what is left between equal beginnings and ends.

const MOST_CELLS = 4e6; // of the table; beyond, the middle counts as replaced as a whole
const CONTEXT = 3; // equal lines shown around a change

/** Lines with a sign: [["=", line], ["-", line], ["+", line], ...]. */
function diffLines(before, after) {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const equal = (line) => ["=", line];
  const middle = changes(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return [...a.slice(0, start).map(equal), ...middle, ...a.slice(a.length - end).map(equal)];
}

function changes(a, b) {
  const signed = [];
  let [i, j] = [0, 0];
  if (a.length * b.length <= MOST_CELLS) {
    const width = b.length + 1;
    const common = new Uint32Array((a.length + 1) * width);
    for (let x = a.length - 1; x >= 0; x--)
      for (let y = b.length - 1; y >= 0; y--)
        common[x * width + y] = a[x] === b[y] ? 1 + common[(x + 1) * width + y + 1] : Math.max(common[(x + 1) * width + y], common[x * width + y + 1]);
    while (i < a.length && j < b.length) {
      if (a[i] === b[j]) [i, j] = [i + 1, j + 1, signed.push(["=", a[i]])];
      else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) signed.push(["-", a[i++]]);
      else signed.push(["+", b[j++]]);
    }
  }
  while (i < a.length) signed.push(["-", a[i++]]);
  while (j < b.length) signed.push(["+", b[j++]]);
  return signed;
}

/** The difference as a box; long equal stretches are left out. */
function diffBox(before, after) {
  const all = diffLines(before, after);
  const near = new Uint8Array(all.length);
  all.forEach(([sign], at) => {
    if (sign !== "=") near.fill(1, Math.max(0, at - CONTEXT), at + CONTEXT + 1);
  });
  const rows = [];
  let skipped = 0;
  all.forEach(([sign, line], at) => {
    if (near[at]) rows.push([sign, line]);
    else skipped += 1;
    if (skipped && (near[at + 1] || at === all.length - 1)) {
      rows.push(["…", plural(skipped, "equal line")]);
      skipped = 0;
    }
  });
  if (rows.every(([sign]) => sign === "…")) return el("p", { class: "quiet" }, "The two programs are equal.");
  const kinds = { "+": "added", "-": "removed", "=": "equal", "…": "skipped" };
  return lineBox("diff", rows, ([sign, line]) => el("span", { class: `line ${kinds[sign]}` }, `${sign === "=" ? " " : sign} `, readable(line)));
}
