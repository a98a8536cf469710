// Tokens with their tags, and below them the pieces that the encoder reads.

import { direction, element, note, section } from "./dom.js";

const MOST_TOKENS = 400;
const HUES = 6;
const SYMBOLS = { " ": "␣", "\n": "⏎", "\t": "⇥" };

export function pieces(doc, slice) {
  const groups = grouped(doc).slice(0, MOST_TOKENS);
  const shown = groups.reduce((sum, group) => sum + group.tokens.length, 0);
  const line = element("div", { class: "groups", dir: direction(doc.text) });
  line.append(...groups.map((group) => box(doc, group, slice)));
  const left = doc.tokens.length - shown;
  const title = doc.pieces ? "Tokens and pieces" : "Tokens";
  const legend = "A “▁” is the space before a piece. The vector of a token is made of the pieces below it.";
  return section(
    title,
    ...(doc.pieces ? [note(legend)] : []),
    line,
    ...(left > 0 ? [note(`${left.toLocaleString()} more tokens.`)] : []),
  );
}

// Tokens that share a piece are together; a piece without a token is by itself.
function grouped(doc) {
  const groups = doc.tokens.map((_, i) => ({ tokens: [i], pieces: [] }));
  const groupOf = [...groups];
  const alone = [];
  (doc.pieces ?? []).forEach((piece, number) => {
    if (!piece.tokens.length) {
      alone.push({ tokens: [], pieces: [number], start: piece.start });
      return;
    }
    const target = groupOf[piece.tokens[0]];
    target.pieces.push(number);
    for (const i of piece.tokens.slice(1)) {
      if (groupOf[i] === target) continue;
      target.tokens.push(...groupOf[i].tokens);
      target.pieces.push(...groupOf[i].pieces);
      for (const other of groupOf[i].tokens) groupOf[other] = target;
    }
  });
  const kept = groups.filter((group, i) => groupOf[i] === group);
  for (const group of kept) group.start = doc.tokens[group.tokens[0]].start;
  return [...kept, ...alone].sort((a, b) => a.start - b.start);
}

// A grid with a column for each pair of a token and a piece.
function box(doc, group, slice) {
  const grid = element("div", { class: "group" });
  const columns = [];
  for (const i of group.tokens) {
    const own = group.pieces.filter((number) => doc.pieces[number].tokens.includes(i));
    if (own.length) columns.push(...own.map((number) => [i, number]));
    else columns.push([i, null]);
  }
  if (!group.tokens.length) columns.push(...group.pieces.map((number) => [null, number]));
  for (const i of group.tokens) {
    const made = token(doc, i, slice, !group.pieces.length);
    grid.append(placed(made, 1, columns, (column) => column[0] === i));
  }
  // Pieces with the same characters of two tokens would overlap.
  const ends = [];
  for (const number of [...new Set(group.pieces)].sort((a, b) => a - b)) {
    const covers = columns.map((column) => column[1] === number);
    let row = ends.findIndex((end) => end < covers.indexOf(true));
    if (row < 0) row = ends.length;
    ends[row] = covers.lastIndexOf(true);
    grid.append(placed(piece(doc, number), row + 2, columns, (column) => column[1] === number));
  }
  return grid;
}

function placed(made, row, columns, belongs) {
  const marked = columns.map(belongs);
  made.style.gridRow = row;
  made.style.gridColumn = `${marked.indexOf(true) + 1} / ${marked.lastIndexOf(true) + 2}`;
  return made;
}

function token(doc, i, slice, bare) {
  const own = doc.tokens[i];
  const tags = [own.pos, own.tag].filter(Boolean);
  const details = [`token ${i}`, `characters ${own.start} to ${own.end}`];
  if (own.lemma) details.push(`lemma ${own.lemma}`);
  if (own.morph) details.push(own.morph);
  const kind = `token hue${i % HUES}${bare && doc.pieces ? " bare" : ""}`;
  const made = element("div", { class: kind, title: details.join(", ") });
  made.append(element("bdi", {}, visible(slice(own.start, own.end))));
  if (tags.length) made.append(element("small", {}, [...new Set(tags)].join(" ")));
  return made;
}

function piece(doc, number) {
  const own = doc.pieces[number];
  const kind = own.tokens.length === 1 ? `hue${own.tokens[0] % HUES}` : own.tokens.length ? "shared" : "bare";
  const title = `piece ${number}, id ${own.id}, characters ${own.start} to ${own.end}`;
  return element("div", { class: `piece ${kind}`, title }, element("bdi", {}, visible(own.piece)));
}

function visible(text) {
  return text.replace(/[ \n\t]/g, (character) => SYMBOLS[character]);
}
