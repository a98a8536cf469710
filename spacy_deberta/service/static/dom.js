// Elements, colours of labels, and characters of a text.

const SVG = "http://www.w3.org/2000/svg";
const GOLDEN_ANGLE = 137.508;
const hues = new Map();

// Children are elements or strings; a string is always text, never markup.
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function drawing(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Labels keep their colours while the page is open; neighbours in order differ the most.
export function colored(made, label) {
  if (!hues.has(label)) hues.set(label, Math.round(212 + hues.size * GOLDEN_ANGLE) % 360);
  made.style.setProperty("--hue", hues.get(label));
  return made;
}

export function section(title, ...children) {
  return element("section", { "aria-label": title }, element("h2", {}, title), ...children);
}

export function note(text) {
  return element("p", { class: "note" }, text);
}

export function percent(score) {
  return score === null || score === undefined ? "" : `${(100 * score).toFixed(1)} %`;
}

const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Nko}\p{Script=Syriac}\p{Script=Thaana}]/u;

// As `dir="auto"`, which does not look into elements that are isolated themselves.
export function direction(text) {
  return RIGHT_TO_LEFT.test(text.match(/\p{L}/u)?.[0] ?? "") ? "rtl" : "ltr";
}

// Offsets count code points, but strings of JavaScript have two units for some of them.
export function characters(text) {
  const points = Array.from(text);
  return (start, end) => points.slice(start, end).join("");
}
