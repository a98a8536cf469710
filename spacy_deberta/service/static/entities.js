// A text with highlighted entities.

import { colored, direction, element, note, percent, section } from "./dom.js";

export function entities(doc, slice) {
  const line = element("p", { class: "text", dir: direction(doc.text) });
  let end = 0;
  for (const entity of [...doc.ents].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (entity.start < end) continue;
    line.append(slice(end, entity.start), highlighted(entity, slice));
    end = entity.end;
  }
  line.append(slice(end));
  return section("Entities", line, ...(doc.ents.length ? [] : [note("No entities.")]));
}

function highlighted(entity, slice) {
  const label = element("span", { class: "label" }, entity.label);
  if (entity.score !== undefined) label.append(" ", element("small", {}, percent(entity.score)));
  return colored(element("mark", {}, slice(entity.start, entity.end), " ", label), entity.label);
}
