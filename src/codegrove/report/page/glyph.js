// The sign of a node: a small pie of the tests it passes. Shape and sign differ as well as colour.

/** Draw the sign of a node around (0, 0). */
function glyph(node, { radius = 7, answer = false } = {}) {
  const group = svg("g", { class: `glyph ${node.mark}` });
  if (answer) group.append(svg("circle", { class: "ring", r: radius + 4 }));
  if (node.pending) group.append(svg("circle", { class: "flight", r: radius + 3 }));
  if (node.mark === "none") group.append(svg("path", { class: "body", d: diamond(radius * 0.8) }));
  else if (node.mark === "crashed") group.append(square(node, radius));
  else group.append(disc(node, radius));
  return group;
}

function disc(node, radius) {
  const parts = svg("g", {}, svg("circle", { class: "body", r: radius - 0.75 }));
  if (node.mark === "unjudged") parts.append(svg("text", { class: "sign", "text-anchor": "middle", y: radius * 0.5, "font-size": radius * 1.5 }, "?"));
  else if (node.mark === "passed") parts.append(svg("path", { class: "tick", d: tick(radius) }));
  else parts.append(svg("path", { class: "slice", d: slice(node.share ?? 0, radius - 0.75) }));
  return parts;
}

function square(node, radius) {
  const side = radius * 1.7;
  const parts = svg("g", {}, svg("rect", { class: "body", x: -side / 2, y: -side / 2, width: side, height: side, rx: 2 }));
  const arm = radius * 0.42;
  if (node.share) parts.append(svg("path", { class: "slice", d: slice(node.share, radius * 0.62) }));
  else parts.append(svg("path", { class: "cross", d: `M${-arm} ${-arm}L${arm} ${arm}M${-arm} ${arm}L${arm} ${-arm}` }));
  return parts;
}

const diamond = (r) => `M0 ${-r}L${r} 0L0 ${r}L${-r} 0Z`;
const tick = (r) => `M${-0.4 * r} ${0.05 * r}L${-0.1 * r} ${0.36 * r}L${0.44 * r} ${-0.34 * r}`;

/** A pie slice from twelve o'clock, clockwise. */
function slice(share, radius) {
  if (share <= 0) return "";
  const angle = 2 * Math.PI * Math.min(share, 0.99999);
  const [x, y] = [radius * Math.sin(angle), -radius * Math.cos(angle)];
  return `M0 0L0 ${-radius}A${radius} ${radius} 0 ${share > 0.5 ? 1 : 0} 1 ${x.toFixed(3)} ${y.toFixed(3)}Z`;
}

/** A glyph in a picture of its own, for text lines and table cells. */
function glyphIcon(node, size = 16) {
  const picture = svg("svg", { class: "icon", width: size, height: size, viewBox: "-9 -9 18 18", "aria-hidden": "true" });
  picture.append(glyph({ ...node, pending: 0 }));
  return picture;
}

/** What the signs mean. */
function legend(run) {
  const sample = (mark, share, label, extra = {}) => {
    const node = { mark, share, ...extra };
    const picture = svg("svg", { class: "icon", width: 20, height: 20, viewBox: "-12 -12 24 24", "aria-hidden": "true" });
    picture.append(glyph(node, { answer: extra.answer }));
    return el("li", {}, picture, label);
  };
  return el(
    "ul",
    { class: "legend", "aria-label": "legend" },
    sample("passed", 1, "all visible tests pass"),
    sample("failed", 0.6, "some"),
    sample("failed", 0, "none"),
    sample("crashed", 0, "crashed or timed out"),
    sample("unjudged", null, "not judged"),
    sample("none", null, "plan or thought"),
    sample("passed", 1, "answer", { answer: true }),
    run.nodes.some((node) => node.pending) && sample("none", null, "in flight", { pending: 1 }),
  );
}
