// Sends the text to the service, and shows what it answers.

import { categories, fillings } from "./categories.js";
import { characters, element } from "./dom.js";
import { entities } from "./entities.js";
import { parse } from "./parse.js";
import { pieces } from "./pieces.js";
import { spans } from "./spans.js";

const [form, text, labels, status, alert, results, copy, example] = [
  ...["form", "text", "labels", "status", "alert", "results", "copy", "example"],
].map((id) => document.getElementById(id));

let current = null; // the request that is under way
let answer = null; // the last document

form.addEventListener("submit", (event) => {
  event.preventDefault();
  annotate();
});

for (const field of [text, labels]) {
  field?.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      annotate();
    }
  });
}

example.addEventListener("click", () => {
  text.value = text.dataset.example;
  annotate();
});

copy.addEventListener("click", async () => {
  try {
    await write(JSON.stringify(answer, null, 2));
    status.textContent = "Copied.";
  } catch {
    fail("The browser does not allow copying. The JSON is at the end of the page.");
  }
});

async function annotate() {
  current?.abort();
  const own = (current = new AbortController());
  alert.hidden = true;
  status.textContent = "Annotating …";
  results.setAttribute("aria-busy", "true");
  const started = performance.now();
  try {
    const doc = await post(own.signal);
    if (own !== current) return;
    show(doc);
    const took = Math.round(performance.now() - started);
    const count = doc.tokens.length.toLocaleString();
    status.textContent = `${count} ${doc.tokens.length === 1 ? "token" : "tokens"} in ${took.toLocaleString()} ms`;
  } catch (error) {
    if (own === current) fail(error.message);
  } finally {
    if (own === current) results.removeAttribute("aria-busy");
  }
}

async function post(signal) {
  const body = { text: text.value, pieces: text.dataset.pieces === "true" };
  const wanted = [...new Set((labels?.value ?? "").split(",").map((label) => label.trim()))].filter(Boolean);
  // Components have their own labels already, which may have commas or differ between two of them.
  const areOwn = labels?.dataset.own === "true" && labels.value === labels.defaultValue;
  if (wanted.length && !areOwn) body.labels = wanted;
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, signal };
  let response;
  try {
    response = await fetch("annotate", { ...options, body: JSON.stringify(body) });
  } catch (error) {
    throw new Error("The service can't be reached. Is it still running?", { cause: error });
  }
  const received = await response.json().catch(() => null);
  if (!response.ok) throw new Error(received?.error?.message ?? `The service answered ${response.status}.`);
  return received.docs[0];
}

function show(doc) {
  answer = doc;
  copy.disabled = false;
  const slice = characters(doc.text);
  const made = [];
  if (doc.ents.length || text.dataset.entities === "true") made.push(entities(doc, slice));
  made.push(...spans(doc, slice));
  if (Object.keys(doc.cats).length) made.push(categories(doc));
  if (doc.fillings) made.push(...fillings(doc));
  if (doc.tokens.some((token) => token.dep)) made.push(parse(doc, slice));
  if (doc.pieces || doc.tokens.some((token) => token.tag || token.pos)) made.push(pieces(doc, slice));
  const json = element("pre", { tabindex: "0" }, JSON.stringify(doc, null, 2));
  made.push(element("details", {}, element("summary", {}, "JSON"), json));
  results.replaceChildren(...made);
}

function fail(message) {
  status.textContent = "";
  alert.textContent = message;
  alert.hidden = false;
}

async function write(value) {
  if (navigator.clipboard) return navigator.clipboard.writeText(value);
  // Without HTTPS, browsers have the new interface on the own machine only.
  const field = element("textarea", { class: "hidden" });
  field.value = value;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  copy.focus();
  if (!done) throw new Error("not copied");
}
