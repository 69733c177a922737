// One session as it runs: cumulative record, trials, raster of the last minutes. Drawn at most once a frame, and only
// when something has changed or time has moved by a pixel.

import { askNote, askStop } from "/static/asking.js";
import { STATES, clock, follow } from "/static/following.js";
import { element } from "/static/page.js";
import { timeText } from "/static/plot.js";
import { LEFT, drawRaster, drawRecord, drawTrials, triples } from "/static/records.js";
import { showSound } from "/static/sound.js";

const root = document.getElementById("session");
const session = root.dataset.session;
const address = `/live/${session.split("/").map(encodeURIComponent).join("/")}`;
const $ = (id) => document.getElementById(id);

const data = { lanes: [], events: [], record: [], bands: [], marks: [], trials: [], notes: [], calls: [] };
let card = null, cardAt = 0, dirty = true;

const nowS = () => (card ? card.t_s + (card.state === "running" ? (performance.now() - cardAt) / 1000 : 0) : 0);

function take(message) {
  if (message.whole) Object.assign(data, { events: [], record: [], marks: [], trials: [], notes: [], calls: [] });
  data.lanes = message.lanes;
  data.bands = message.bands;
  data.events.push(...triples(message.events));
  if (message.whole) data.record = message.record.map(([n, us]) => [n, us / 1e6]);
  else {
    let n = data.record.length ? data.record[data.record.length - 1][0] : 0;
    for (const us of message.responses) data.record.push([++n, us / 1e6]);
    if (data.record.length > 12000) data.record = data.record.filter((_, i) => i % 2 === 0 || i > data.record.length - 100);
  }
  data.marks.push(...message.marks);
  data.trials.push(...message.trials);
  data.notes.push(...message.notes);
  data.calls.push(...message.calls);
  const oldest = (data.events.length ? data.events[data.events.length - 1][0] : 0) - 660;
  if (data.events.length > 1000 && data.events[500][0] < oldest) data.events = data.events.filter(([t]) => t >= oldest);
  $("notes").replaceChildren(...data.notes.map(([t, text]) => element("li", {}, `${timeText(t)}  ${text}`)));
  $("notes-section").hidden = !data.notes.length;
  $("trials-section").hidden = !data.trials.length;
  dirty = true;
}

function head() {
  $("record-section").hidden = card.n_calls !== null && !card.n_responses;
  $("treatment").textContent = card.treatment;
  $("state").textContent = card.state === "ended" ? `ended: ${card.reason}` : STATES[card.state];
  $("state").className = ["silent", "died"].includes(card.state) ? "bad" : "";
  $("where").textContent = card.where;
  const rates = (card.n_calls !== null && !card.n_responses ? [] : card.rates).map(([name, rate, n]) => `${name} ${rate === null ? "–" : rate.toFixed(1)}/min (${n})`);
  const escapes = card.fraction_escapes === null ? [] : [`escapes ${Math.round(100 * card.fraction_escapes)} %`];
  const shock = card.shock_on_ma === null ? [] : [`⚡ ${card.shock_on_ma.toFixed(2)} mA on`];
  $("now").textContent = [...shock, card.last, ...rates, ...escapes, `shocks ${card.n_shocks} of ${card.allowed}`,
    card.n_arrived ? `${card.n_arrived} reinforcers` : "", card.n_calls === null ? "" : `${card.n_calls} calls`].filter(Boolean).join(" · ");
  $("alerts").replaceChildren(...card.alerts.map((alert) => element("li", {}, `⚠ ${alert}`)));
  if ($("stop")) $("stop").disabled = $("note").disabled = !card.stoppable;
}

let drawnS = -1;
function frame() {
  const t = nowS();
  if ($("t").textContent !== clock(t)) $("t").textContent = clock(t);
  if (dirty || Math.abs(t - drawnS) * 1200 / Number($("span").value) > 2) {
    drawRaster($("raster"), data, t - Number($("span").value), t);
    if (dirty || Math.floor(t) !== Math.floor(drawnS)) {
      if (!$("record-section").hidden) drawRecord($("record"), data, Math.max(60, t), LEFT);
      if (data.trials.length) drawTrials($("trials"), data.trials);
    }
    dirty = false;
    drawnS = t;
  }
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
addEventListener("themechange", () => { dirty = true; });
addEventListener("resize", () => { dirty = true; });
$("span").addEventListener("change", () => { dirty = true; });
$("stop")?.addEventListener("click", () => askStop(card));
$("note")?.addEventListener("click", () => askNote(card));

follow(`${address}/events`, (message) => {
  if (message.told) take(message.told);
  if (!message.card) return;
  card = message.card;
  cardAt = performance.now();
  root.dataset.lastUs = card.last_us;
  head();
  dirty = true;
}, {
  onLink: (up) => {
    $("link").textContent = up ? "● live" : "✕ the board does not answer; the session goes on without it";
    $("link").className = up ? "tag" : "tag bad";
  },
});
showSound(session, $("sound"), $("sound-said"), $("sound-section"), () => ({ card, calls: data.calls }));
