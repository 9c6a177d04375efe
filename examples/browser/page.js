// Shows what greedy decoding and a beam search of the chosen width read. The search runs in
// `widebeam_browser.wasm`, on this page's own thread.

import { edits, wrong } from "./edits.js";

/** Readings of a line that are shown; as many as the width are in the beam. */
const SHOWN = 8;

const WIDTHS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000];

const page = (id) => document.getElementById(id);
const status = page("status");

/** Answers of the widths tried so far: the search finds the same each time. */
const answers = new Map();

function element(name, text = "", attributes = {}) {
  const made = Object.assign(document.createElement(name), attributes);
  made.textContent = text;
  return made;
}

/** What was read, with marks where it is not what was written. */
function marked(truth, read) {
  const line = element("span");
  for (const { kind, text } of edits(truth, read)) {
    line.append(kind === "same" ? text : element(kind === "extra" ? "del" : "ins", text));
  }
  return line;
}

/** The answer of the module for a beam width, and the milliseconds that it took. */
function decode(module, beams) {
  const begin = performance.now();
  const length = module.decode(beams);
  const ms = performance.now() - begin;
  const bytes = new Uint8Array(module.memory.buffer, module.answer(), length);
  const { lines, error } = JSON.parse(new TextDecoder().decode(bytes));
  if (error) throw new Error(error);
  return { lines, ms };
}

function showSummary(lines) {
  const characters = lines.reduce((sum, { truth }) => sum + [...truth].length, 0);
  const rows = [
    ["greedy", ({ truth, greedy }) => wrong(truth, greedy)],
    ["beam", ({ truth, beam }) => wrong(truth, beam[0].text)],
    ["closest in the beam", ({ truth, beam }) => Math.min(...beam.map(({ text }) => wrong(truth, text)))],
  ].map(([name, count]) => {
    const errors = lines.map(count);
    const sum = errors.reduce((a, b) => a + b, 0);
    const row = element("tr");
    row.append(
      element("th", name, { scope: "row" }),
      element("td", sum),
      element("td", `${((100 * sum) / characters).toFixed(1)} %`),
      element("td", `${errors.filter((error) => error === 0).length} of ${lines.length}`),
    );
    return row;
  });
  page("summary").tBodies[0].replaceChildren(...rows);
}

/** A line, closed or with the readings that its beam holds. */
function lineElement({ truth, greedy, beam }, open) {
  const summary = element("summary");
  summary.append(element("b", "written"), element("span", truth));
  summary.append(element("b", "greedy"), marked(truth, greedy));
  summary.append(element("b", "beam"), marked(truth, beam[0].text));
  const readings = element("table", "", { className: "readings" });
  for (const { text, probability } of beam.slice(0, SHOWN)) {
    const row = readings.insertRow();
    row.insertCell().append(marked(truth, text));
    row.insertCell().append(`${(100 * probability).toFixed(2)} %`);
  }
  const line = element("details", "", { open });
  line.append(summary, readings);
  return line;
}

function show(module, beams) {
  if (!answers.has(beams)) answers.set(beams, decode(module, beams));
  const { lines, ms } = answers.get(beams);
  showSummary(lines);
  const open = [...page("lines").children].map((line) => line.open);
  page("lines").replaceChildren(...lines.map((line, i) => lineElement(line, open[i] ?? false)));
  const vectors = module.has_simd() ? "vectors of WebAssembly" : "no vectors";
  status.textContent = `Decoded in ${ms.toFixed(0)} ms in this browser, on one thread, with ${vectors}.`;
}

function failed(error) {
  status.textContent = `The search failed: ${error.message}`;
  status.classList.add("failed");
}

async function start() {
  const fetched = fetch(new URL("widebeam_browser.wasm", import.meta.url));
  const { instance } = await WebAssembly.instantiateStreaming(fetched);
  instance.exports.unpack();
  const slider = page("width");
  const update = () => {
    const beams = WIDTHS[slider.valueAsNumber];
    page("beams").textContent = beams;
    slider.ariaValueText = beams;
    try {
      show(instance.exports, beams);
    } catch (error) {
      failed(error);
    }
  };
  slider.addEventListener("input", update);
  update();
}

start().catch(failed);
