// What every report page needs: elements, numbers in words, the colour scheme, and the packed data.
// Text enters the page as text nodes only; nothing is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

/** Make an HTML element. `on...` properties are listeners; null, false and undefined are left out. */
function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** 1234567 -> "1,234,567" */
const whole = (number) => Math.round(number).toLocaleString("en-US");

/** A statistic with as many digits as help: 0.6667 -> "0.667"; null -> "–". */
const figure = (number) => (number === null || number === undefined ? "–" : String(Number(number.toFixed(3))));

function seconds(number) {
  if (number < 0.9995) return `${Math.round(number * 1000)} ms`;
  if (number < 120) return `${number.toFixed(1)} s`;
  const rest = Math.round(number % 60);
  return `${Math.floor(number / 60)} min${rest ? ` ${rest} s` : ""}`;
}

/** Dollars; null is an unknown price, which never looks like a free one. */
function dollars(number) {
  if (number === null || number === undefined) return "price unknown";
  return number === 0 ? "$0" : `$${number < 0.01 ? number.toPrecision(2) : number.toFixed(number < 1 ? 4 : 2)}`;
}

const plural = (count, noun) => `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;

/** Unpack the JSON of the inert script element. */
async function unpack(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** The colour scheme: the system's until the reader chooses; the choice is kept where the browser allows it. */
const theme = {
  key: "codegrove-theme",
  dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  },
  set(name) {
    document.documentElement.dataset.theme = name;
  },
  restore() {
    try {
      const kept = localStorage.getItem(theme.key);
      if (kept === "dark" || kept === "light") theme.set(kept);
    } catch {
      // Storage is forbidden in sandboxed frames; the system's scheme will do.
    }
  },
  toggle() {
    theme.set(theme.dark() ? "light" : "dark");
    try {
      localStorage.setItem(theme.key, document.documentElement.dataset.theme);
    } catch {
      // As above: then the choice lasts as long as the page.
    }
  },
};

/** Values kept in the address, so that a view can be linked to: #node=12&view=table */
const address = {
  read: () => new URLSearchParams(location.hash.slice(1)),
  write(values) {
    const wanted = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null && value !== ""));
    try {
      history.replaceState(null, "", `#${wanted}`);
    } catch {
      // Frames without an address of their own cannot have one.
    }
  },
};
