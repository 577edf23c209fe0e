// Showing generated text: whatever it holds, it stays text, can be read, and does not freeze the page.

const STRANGE =
  /(?:[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff])+/g;
const MOST_SIGNS = 1000; // spans for strange characters in one text
const MOST_SHOWN = 20000; // characters of prose shown at once
const MOST_LINES = 1200; // lines of code shown at once
const MOST_COLOURED = 2000; // characters of a line that is still coloured

/** Text in which control characters, lone surrogates and direction marks are visible signs. */
function readable(text) {
  const parts = document.createDocumentFragment();
  let from = 0;
  let signs = 0;
  for (const match of text.matchAll(STRANGE)) {
    if (++signs > MOST_SIGNS) {
      parts.append(text.slice(from).replace(STRANGE, "\ufffd"));
      return parts;
    }
    parts.append(text.slice(from, match.index), el("span", { class: "strange" }, signOf(match[0])));
    from = match.index + match[0].length;
  }
  parts.append(text.slice(from));
  return parts;
}

function signOf(run) {
  const names = [...run.slice(0, 4)].map((character) => {
    const number = character.codePointAt(0).toString(16);
    return number.length > 2 ? `\\u${number.padStart(4, "0")}` : `\\x${number.padStart(2, "0")}`;
  });
  return names.join("") + (run.length > 4 ? `… (${run.length})` : "");
}

/** Prose or output; what is very long is shown in part until the reader asks for it. */
function prose(text, kind = "prose") {
  const box = el("pre", { class: kind });
  if (text.length <= MOST_SHOWN) box.append(readable(text));
  else {
    const more = el("button", { class: "more", onclick: () => box.replaceChildren(readable(text)) });
    more.append(`show all ${whole(text.length)} characters`);
    box.append(readable(text.slice(0, MOST_SHOWN)), more);
  }
  return box;
}

const PYTHON = new RegExp(
  [
    /(?<comment>#[^\n]*)/,
    /(?<string>\b[rbfuRBFU]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))/,
    /(?<keyword>\b(?:False|None|True|and|as|assert|async|await|break|case|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|match|nonlocal|not|or|pass|raise|return|try|while|with|yield)\b)/,
    /(?<number>\b\d[\w.]*)/,
  ]
    .map((part) => part.source)
    .join("|"),
  "g",
);

/** Python with line numbers and a little colour. */
function code(text) {
  const lines = colouredLines(text.endsWith("\n") ? text.slice(0, -1) : text);
  return lineBox("code", lines, (pieces) => el("span", { class: "line" }, pieces));
}

/** A box of lines, the first ones at once and the rest when asked for. */
function lineBox(kind, lines, draw) {
  const box = el("pre", { class: `lines ${kind}`, tabindex: 0 });
  box.append(...lines.slice(0, MOST_LINES).map(draw));
  if (lines.length > MOST_LINES) {
    const more = el("button", { class: "more" }, `show all ${whole(lines.length)} lines`);
    more.addEventListener("click", () => more.replaceWith(...lines.slice(MOST_LINES).map(draw)));
    box.append(more);
  }
  return box;
}

function colouredLines(text) {
  const lines = [[]];
  const put = (piece, kind) => {
    piece.split("\n").forEach((part, index) => {
      if (index) lines.push([]);
      if (part) lines[lines.length - 1].push(kind ? el("span", { class: kind }, readable(part)) : readable(part));
    });
  };
  const tame = text.length < 10 * MOST_SHOWN && !text.split("\n").some((line) => line.length > MOST_COLOURED);
  let from = 0;
  for (const match of tame ? text.matchAll(PYTHON) : []) {
    put(text.slice(from, match.index));
    put(match[0], Object.keys(match.groups).find((name) => match.groups[name] !== undefined));
    from = match.index + match[0].length;
  }
  put(text.slice(from));
  return lines;
}
