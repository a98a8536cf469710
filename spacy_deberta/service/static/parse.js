// Dependencies of each sentence as arcs.

import { direction, drawing, element, note, section } from "./dom.js";

const MOST_SENTENCES = 20;
const MOST_WORDS = 200; // of a sentence
const STEP = 30; // height of a level of arcs
const GAP = 18; // between words
const PEN = document.createElement("canvas").getContext("2d");

export function parse(doc, slice) {
  const found = sentences(doc);
  const figures = found.slice(0, MOST_SENTENCES).map((tokens) => figure(tokens.slice(0, MOST_WORDS), slice, direction(doc.text)));
  const left = found.length - figures.length;
  const isCut = found.slice(0, MOST_SENTENCES).some((tokens) => tokens.length > MOST_WORDS);
  return section(
    "Parse",
    ...figures,
    ...(isCut ? [note(`Of longer sentences, the first ${MOST_WORDS} words.`)] : []),
    ...(left > 0 ? [note(`${left.toLocaleString()} more sentences.`)] : []),
  );
}

// The tokens of each sentence, with their indices.
function sentences(doc) {
  const numbered = doc.tokens.map((token, i) => ({ ...token, i }));
  const ranges = doc.sents ?? [{ start: 0, end: Infinity }];
  return ranges
    .map((range) => numbered.filter(({ start, end }) => start >= range.start && end <= range.end))
    .filter((tokens) => tokens.length);
}

function figure(tokens, slice, direction) {
  PEN.font = "16px system-ui, sans-serif";
  const words = tokens.map((token) => slice(token.start, token.end).replace(/\s/g, "␣"));
  const place = new Map();
  let width = 0;
  tokens.forEach((token, i) => {
    const tag = token.pos || token.tag || "";
    const own = Math.max(PEN.measureText(words[i]).width, 0.8 * PEN.measureText(tag).width, 24);
    place.set(token.i, width + own / 2);
    width += own + GAP;
  });
  width -= GAP;
  if (direction === "rtl") for (const [i, x] of place) place.set(i, width - x);
  const arcs = levels(tokens.filter((token) => token.head !== token.i && place.has(token.head)));
  const height = STEP * (1 + Math.max(0, ...arcs.map((arc) => arc.level)));
  const svg = drawing("svg", {
    viewBox: `-8 0 ${width + 16} ${height + 52}`,
    width: width + 16,
    height: height + 52,
    role: "img",
    "aria-label": description(tokens, words),
  });
  for (const arc of arcs) svg.append(...drawArc(arc, place, height));
  tokens.forEach((token, i) => {
    const at = { x: place.get(token.i), "text-anchor": "middle" };
    svg.append(drawing("text", { ...at, y: height + 22, class: "word" }, words[i]));
    svg.append(drawing("text", { ...at, y: height + 42, class: "tag" }, token.pos || token.tag || ""));
  });
  // It scrolls if it is wider than the page; the arrow keys need a focus for that.
  const scrolls = { class: "scroll", tabindex: "0", role: "group", "aria-label": "A sentence" };
  return element("div", scrolls, svg);
}

// An arc is above all that it spans, from the shortest to the longest.
function levels(tokens) {
  const arcs = tokens.map((token) => ({
    left: Math.min(token.i, token.head),
    right: Math.max(token.i, token.head),
    toLeft: token.i < token.head,
    label: token.dep,
    level: 1,
  }));
  arcs.sort((a, b) => a.right - a.left - (b.right - b.left));
  arcs.forEach((arc, n) => {
    const below = arcs.slice(0, n).filter((o) => o.left < arc.right && arc.left < o.right);
    arc.level = 1 + Math.max(0, ...below.map((other) => other.level));
  });
  return arcs;
}

function drawArc(arc, place, height) {
  // Both ends are off the middle of a word, so that the arcs of a word can be told apart.
  const ends = [place.get(arc.left), place.get(arc.right)];
  const [x1, x2] = [Math.min(...ends) + 5, Math.max(...ends) - 5];
  const top = height - STEP * arc.level + 12;
  const bend = Math.min(14, (x2 - x1) / 2);
  const line =
    `M${x1},${height} V${top + bend} Q${x1},${top} ${x1 + bend},${top} ` +
    `H${x2 - bend} Q${x2},${top} ${x2},${top + bend} V${height}`;
  const tip = arc.toLeft === ends[0] < ends[1] ? x1 : x2;
  const arrow = `M${tip - 4},${height - 5} L${tip + 4},${height - 5} L${tip},${height + 2} Z`;
  const label = { x: (x1 + x2) / 2, y: top - 3, "text-anchor": "middle", class: "dep" };
  return [
    drawing("path", { d: line, class: "arc" }),
    drawing("path", { d: arrow, class: "arrow" }),
    drawing("text", label, arc.label),
  ];
}

function description(tokens, words) {
  const first = tokens[0]?.i ?? 0;
  const parts = tokens.map((token, i) =>
    token.head === token.i ? `${words[i]}: root` : `${words[i]}: ${token.dep} of ${words[token.head - first] ?? "?"}`,
  );
  return parts.slice(0, 60).join("; ");
}
