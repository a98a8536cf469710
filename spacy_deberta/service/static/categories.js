// Scores of categories as bars, and what masks may stand for.

import { element, percent, section } from "./dom.js";

export function categories(doc) {
  const sorted = Object.entries(doc.cats).sort((a, b) => b[1] - a[1]);
  return section("Categories", bars(sorted));
}

export function fillings(doc) {
  return doc.fillings.map((mask, i) => {
    const title = doc.fillings.length > 1 ? `Mask ${i + 1}` : "Mask";
    return section(title, bars(mask.map((filling) => [filling.text, filling.score])));
  });
}

function bars(scores) {
  const list = element("ul", { class: "bars" });
  for (const [name, score] of scores) {
    const filled = element("span", { class: "filled" });
    filled.style.width = `${100 * Math.min(Math.max(score ?? 0, 0), 1)}%`;
    const track = element("span", { class: "track", "aria-hidden": "true" }, filled);
    const words = element("bdi", { class: "name" }, name);
    list.append(element("li", {}, words, track, element("span", { class: "score" }, percent(score))));
  }
  return list;
}
