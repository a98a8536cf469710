// Span groups: a row of tokens, and below them a row for each of the spans that overlap.

import { colored, direction, element, note, percent, section } from "./dom.js";

const MOST_TOKENS = 400;

export function spans(doc, slice) {
  return Object.entries(doc.spans).map(([key, group]) => {
    const title = `Spans: ${key}`;
    if (!group.length) return section(title, note("No spans."));
    const tokens = doc.tokens.slice(0, MOST_TOKENS);
    const left = doc.tokens.length - tokens.length;
    const shown = group.filter((span) => span.start < tokens.at(-1).end);
    const more = left ? [note(`${left.toLocaleString()} more tokens.`)] : [];
    return section(title, grid(doc, tokens, inRows(shown), slice), ...more);
  });
}

// The first row in which a span overlaps with none before it.
function inRows(group) {
  const rows = [];
  for (const span of [...group].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const free = rows.find((row) => row.at(-1).end <= span.start);
    if (free) free.push(span);
    else rows.push([span]);
  }
  return rows;
}

function grid(doc, tokens, rows, slice) {
  const line = element("div", { class: "spans", dir: direction(doc.text) });
  tokens.forEach((token, i) => {
    const next = doc.tokens[i + 1];
    const column = element("span", { class: "column" });
    column.append(element("span", { class: "word" }, slice(token.start, next?.start)));
    for (const row of rows) column.append(bar(row, token, next));
    line.append(column);
  });
  return line;
}

function bar(row, token, next) {
  const span = row.find((one) => one.start < token.end && token.start < one.end);
  if (!span) return element("span", { class: "bar" });
  const first = span.start >= token.start;
  const last = !next || span.end <= next.start;
  const kind = `bar full${first ? " first" : ""}${last ? " last" : ""}`;
  const title = `${span.label}: ${span.text} ${percent(span.score)}`.trim();
  return colored(element("span", { class: kind, title }, first ? span.label : ""), span.label);
}
