// Pictures of a comparison: intervals as dots with whiskers, and budget curves with bands.

const COLOURS = 8;
const PLOT = { width: 640, height: 360, left: 46, top: 14, bottom: 42 };
const LONGEST_NAME = 17; // characters that fit beside a curve; where one is longer, all stand in a key above
const MOST_BANDS = 4; // with more curves than this, only the chosen one shows its band

const percent = (share) => `${(100 * share).toFixed(1)}`;

/** The class that gives a method its colour, and beyond the colours a dash pattern. */
const paint = (index) => `c${index % COLOURS}${index >= COLOURS ? ` dash${Math.min(2, Math.floor(index / COLOURS))}` : ""}`;

/** Round steps for an axis: at most `most` of them, ending at or above `end`. */
function ticks(end, most) {
  const rough = Math.max(end, 1e-9) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const found = [];
  for (let value = 0; value < end + step * 0.999; value += step) found.push(value);
  return found;
}

/** A number on an axis that goes on to `end`. */
const short = (number, end) => (number === 0 ? "0" : end >= 1e6 ? `${number / 1e6} M` : end >= 1e4 ? `${number / 1e3} k` : figure(number));

/** A dot with whiskers on a scale from `from` to `to`; a line at `zero` where that is given. */
function whiskers({ value, low, high }, { from, to, zero = null, kind = "", title }) {
  const [width, height] = [190, 22];
  const x = (number) => 6 + ((number - from) / (to - from)) * (width - 12);
  const picture = svg("svg", { class: `whiskers ${kind}`, viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": title });
  picture.append(svg("title", {}, title), svg("line", { class: "track", x1: x(from), x2: x(to), y1: 11, y2: 11 }));
  if (zero !== null) picture.append(svg("line", { class: "zero", x1: x(zero), x2: x(zero), y1: 0, y2: height }));
  picture.append(
    svg("line", { class: "whisker", x1: x(low), x2: x(high), y1: 11, y2: 11 }),
    svg("line", { class: "whisker", x1: x(low), x2: x(low), y1: 7, y2: 15 }),
    svg("line", { class: "whisker", x1: x(high), x2: x(high), y1: 7, y2: 15 }),
    svg("circle", { class: "dot", cx: x(value), cy: 11, r: 4.5 }),
  );
  return picture;
}

/** Whether names are too long to stand beside their curves, so that `curveKey` has to show them. */
const needsKey = (curves) => curves.some((curve) => curve.label.length > LONGEST_NAME);

/** The names of curves in full, each with its line and the number that stands beside the curve. */
function curveKey(curves, colourOf, choose) {
  return el(
    "ol",
    { class: "key" },
    curves.map((curve) =>
      el(
        "li",
        { "data-label": curve.label, onpointerenter: () => choose(curve.label), onpointerleave: () => choose(null) },
        el("b", { class: paint(colourOf(curve.label)) }, `${colourOf(curve.label) + 1}`),
        swatch(colourOf(curve.label)),
        el("span", {}, readable(curve.label)),
      ),
    ),
  );
}

/** A short piece of a method's line. */
const swatch = (index) => svg("svg", { class: `swatch ${paint(index)}`, width: 22, height: 10, "aria-hidden": "true" }, svg("line", { class: "line", x1: 1, x2: 21, y1: 5, y2: 5 }));

/** Solved against spend: one step line a method, with a band, and at the end its name, or its number in the key. */
function curveChart(curves, axis, colourOf, choose) {
  const { width, height, left, top, bottom } = PLOT;
  const keyed = needsKey(curves);
  const right = keyed ? 40 : 120;
  const xs = ticks(Math.max(1, ...curves.map((curve) => curve.end)), 6);
  const ys = ticks(Math.max(0.1, ...curves.map((curve) => Math.max(...curve.high))), 5).filter((value) => value <= 1.001);
  const x = (value) => left + (value / xs.at(-1)) * (width - left - right);
  const y = (value) => height - bottom - (value / ys.at(-1)) * (height - top - bottom);
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `solved against ${axis}` });
  for (const value of ys) {
    chart.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }), svg("text", { class: "tick", x: left - 8, y: y(value) + 4, "text-anchor": "end" }, `${Math.round(100 * value)} %`));
  }
  for (const value of xs) {
    chart.append(svg("line", { class: "grid", x1: x(value), x2: x(value), y1: height - bottom, y2: height - bottom + 4 }), svg("text", { class: "tick", x: x(value), y: height - bottom + 18, "text-anchor": "middle" }, short(value, xs.at(-1))));
  }
  chart.append(svg("text", { class: "axis", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, `${axis} spent on an attempt when its run ended`), svg("text", { class: "axis", x: left + 4, y: top + 12 }, "solved"));
  const places = spread(curves.map((curve) => y(curve.solved.at(-1))), 14, top + 4, height - bottom);
  const bands = curves.length > MOST_BANDS ? "band few" : "band";
  for (const [index, curve] of curves.entries()) {
    const own = svg("g", { class: `curve ${paint(colourOf(curve.label))}`, "data-label": curve.label, onpointerenter: () => choose(curve.label), onpointerleave: () => choose(null) });
    const name = keyed ? `${colourOf(curve.label) + 1}` : curve.label;
    const last = y(curve.solved.at(-1));
    own.append(
      svg("path", { class: bands, d: `${steps(curve.spent, curve.high, curve.end, x, y)}${steps(curve.spent, curve.low, curve.end, x, y, true)}Z` }),
      svg("path", { class: "hit", d: steps(curve.spent, curve.solved, curve.end, x, y) }),
      svg("path", { class: "line", d: steps(curve.spent, curve.solved, curve.end, x, y) }, svg("title", {}, readable(`${curve.label}: ${percent(curve.solved.at(-1))} % solved`))),
      svg("path", { class: "leader", d: `M${x(curve.end)} ${last}L${width - right + 8} ${places[index]}` }),
      svg("text", { class: "name", x: width - right + 11, y: places[index] + 4 }, readable(name)),
    );
    chart.append(own);
  }
  return chart;
}

/** A step line to the right, or the way back from its end. */
function steps(spent, shares, end, x, y, back = false) {
  const corners = [];
  shares.forEach((share, index) => {
    const until = index + 1 < spent.length ? spent[index + 1] : end;
    corners.push([x(spent[index]), y(share)], [x(until), y(share)]);
  });
  if (back) corners.reverse();
  return corners.map(([a, b], index) => `${index || back ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
}

/** Move heights apart until no two are closer than `gap`, in their order. */
function spread(heights, gap, from, to) {
  const order = heights.map((_, index) => index).sort((a, b) => heights[a] - heights[b]);
  const room = Math.min(gap, (to - from) / Math.max(1, order.length - 1));
  const placed = [...heights];
  let lowest = from;
  for (const index of order) {
    placed[index] = Math.max(placed[index], lowest);
    lowest = placed[index] + room;
  }
  let highest = to;
  for (const index of order.reverse()) {
    placed[index] = Math.min(placed[index], highest);
    highest = placed[index] - room;
  }
  return placed;
}
