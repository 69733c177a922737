// A finished session: its timeline, its sound, and whether it holds.

import { element, many } from "/static/page.js";
import { timeText } from "/static/plot.js";
import { LEFT, drawRaster, drawRecord, drawTrials, triples } from "/static/records.js";
import { columnsOf, draw, picture } from "/static/sound.js";

const root = document.getElementById("session");
const session = root.dataset.session;
const address = `/session/${session.split("/").map(encodeURIComponent).join("/")}`;
const $ = (id) => document.getElementById(id);
const sounds = root.dataset.sounds.split(" ").filter(Boolean);

async function told(what) {
  const answer = await fetch(`${address}/${what}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body;
}

told("verified").then(({ holds, said }) => {
  $("verified").textContent = `${holds === null ? "○ Not checked" : holds ? "✓ Holds" : "✕ Does not hold"}: ${said}`;
  $("verified").className = holds === null ? "" : holds ? "good" : "bad";
}).catch((error) => { $("verified").textContent = error.message; });

let data = null, paint = () => {};

told("timeline").then((found) => {
  data = { ...found, events: triples(found.events), record: found.record.map(([n, us]) => [n, us / 1e6]) };
  const end = Math.max(1, found.end_us / 1e6);
  const trials = found.trials.map(([number, outcome, latency_s]) => ({ number, outcome, latency_s }));
  $("trials-section").hidden = !trials.length;
  $("notes-section").hidden = !found.notes.length;
  $("notes").replaceChildren(...found.notes.map(([t, text]) => element("li", {}, `${timeText(t)}  ${text}`)));
  $("timeline-said").textContent = found.every > 1 ? `Of many responses every ${found.every}th is drawn below; the record above counts all.` : "";
  $("record").hidden = !found.record.length;
  paint = () => {
    if (found.record.length) drawRecord($("record"), data, end, LEFT);
    drawRaster($("raster"), data, 0, end);
    if (trials.length) drawTrials($("trials"), trials);
  };
  paint();
  root.dataset.drawn = "1";
}).catch((error) => { $("timeline-said").textContent = error.message; });

const SPAN_S = 10;
if (sounds.length) showSound(sounds[0]);

async function showSound(file) {
  const slider = $("sound-at");
  $("sound-section").hidden = false;
  let boxes = { calls: [], rejected: [] }, wanted = null, busy = false;
  const answer = await fetch(`/calls/${session.split("/").map(encodeURIComponent).join("/")}?file=${encodeURIComponent(file)}`);
  if (answer.ok) boxes = await answer.json();
  const n = `${many(boxes.calls.length, "call")}, ${boxes.rejected.length} rejected (dashed)`;
  async function show() {
    wanted = Number(slider.value);
    if (busy) return;
    busy = true;
    try {
      while (wanted !== null) {
        const at = wanted;
        wanted = null;
        const part = await columnsOf(session, file, Math.round(at * 100), SPAN_S * 100);
        slider.max = Math.max(0, part.available / 100 - SPAN_S);
        draw($("sound"), [{ first: part.first, image: picture(part), columnS: 0.01 }], boxes, { startS: at, spanS: SPAN_S, topHz: part.topHz });
        $("sound-said").textContent = `${file}, ${timeText(at)} of ${timeText(part.available / 100)} · ${n}`;
        $("sound").dataset.columns = part.available;
      }
    } catch (error) {
      $("sound-said").textContent = error.message;
    }
    busy = false;
  }
  slider.addEventListener("input", show);
  addEventListener("resize", show);
  addEventListener("themechange", show);
  const first = boxes.calls[0];
  await show();
  if (first) { slider.value = Math.max(0, first[0] - 1); show(); }
}
addEventListener("themechange", () => paint());
addEventListener("resize", () => paint());
