// One session as it runs: cumulative record, trials, raster of the last minutes. Drawn at most once a frame, and only
// when something has changed or time has moved by a pixel.

import { askNote, askStop } from "/static/asking.js";
import { STATES, clock, follow } from "/static/following.js";
import { colour, element } from "/static/page.js";
import { MARGIN, axes, begin, mark, range, step, timeStep, timeText } from "/static/plot.js";
import { showSound } from "/static/sound.js";

const root = document.getElementById("session");
const session = root.dataset.session;
const address = `/live/${session.split("/").map(encodeURIComponent).join("/")}`;
const $ = (id) => document.getElementById(id);

const data = { lanes: [], events: [], record: [], bands: [], trials: [], notes: [] };
let card = null, cardAt = 0, dirty = true;

const nowS = () => (card ? card.t_s + (card.state === "running" ? (performance.now() - cardAt) / 1000 : 0) : 0);

function take(message) {
  if (message.whole) Object.assign(data, { events: [], record: [], trials: [], notes: [] });
  data.lanes = message.lanes;
  data.bands = message.bands;
  for (let i = 0; i < message.events.length; i += 3) data.events.push([message.events[i] / 1e6, message.events[i + 1], message.events[i + 2]]);
  if (message.whole) data.record = message.record.map(([n, us]) => [n, us / 1e6]);
  else {
    let n = data.record.length ? data.record[data.record.length - 1][0] : 0;
    for (const us of message.responses) data.record.push([++n, us / 1e6]);
    if (data.record.length > 12000) data.record = data.record.filter((_, i) => i % 2 === 0 || i > data.record.length - 100);
  }
  data.trials.push(...message.trials);
  data.notes.push(...message.notes);
  const oldest = (data.events.length ? data.events[data.events.length - 1][0] : 0) - 660;
  if (data.events.length > 1000 && data.events[500][0] < oldest) data.events = data.events.filter(([t]) => t >= oldest);
  $("notes").replaceChildren(...data.notes.map(([t, text]) => element("li", {}, `${timeText(t)}  ${text}`)));
  $("trials-section").hidden = !data.trials.length;
  dirty = true;
}

function head() {
  $("treatment").textContent = card.treatment;
  $("state").textContent = card.state === "ended" ? `ended: ${card.reason}` : STATES[card.state];
  $("state").className = ["silent", "died"].includes(card.state) ? "bad" : "";
  $("where").textContent = card.where;
  const rates = card.rates.map(([name, rate, n]) => `${name} ${rate === null ? "–" : rate.toFixed(1)}/min (${n})`);
  const escapes = card.fraction_escapes === null ? [] : [`escapes ${Math.round(100 * card.fraction_escapes)} %`];
  const shock = card.shock_on_ma === null ? [] : [`⚡ ${card.shock_on_ma.toFixed(2)} mA on`];
  $("now").textContent = [...shock, card.last, ...rates, ...escapes, `shocks ${card.n_shocks} of ${card.allowed}`,
    `${card.n_arrived} reinforcers`].filter(Boolean).join(" · ");
  $("alerts").replaceChildren(...card.alerts.map((alert) => element("li", {}, `⚠ ${alert}`)));
  if ($("stop")) $("stop").disabled = $("note").disabled = !card.stoppable;
}

const BANDS = ["--blue", "--orange", "--purple", "--green"];

function drawRecord() {
  const paper = begin($("record")), { context, width, height } = paper;
  const end = Math.max(60, nowS(), data.record.length ? data.record[data.record.length - 1][1] : 0);
  const most = Math.max(10, data.record.length ? data.record[data.record.length - 1][0] : 0);
  const x = (t) => MARGIN.left + (width - MARGIN.left - MARGIN.right) * t / end;
  const y = (n) => height - MARGIN.bottom - (height - MARGIN.bottom - MARGIN.top) * n / most;
  const names = [...new Set(data.bands.map(([name]) => name))];
  for (const [name, from, to] of data.bands) {
    context.globalAlpha = 0.13;
    context.fillStyle = colour(BANDS[names.indexOf(name) % BANDS.length]);
    context.fillRect(x(from / 1e6), MARGIN.top, Math.max(1, x((to ?? end * 1e6) / 1e6) - x(from / 1e6)), height - MARGIN.bottom - MARGIN.top);
    context.globalAlpha = 1;
  }
  axes(paper, { x, xs: range(0, end, timeStep(end)), xText: timeText, y, ys: range(0, most, step(most)), yText: String, yLabel: "Responses" });
  context.strokeStyle = colour("--ink");
  context.lineWidth = 1.5;
  context.beginPath();
  let before = 0;
  context.moveTo(x(0), y(0));
  for (const [n, t] of data.record) { context.lineTo(x(t), y(before)); context.lineTo(x(t), y(n)); before = n; }
  context.lineTo(x(Math.min(end, Math.max(nowS(), 0))), y(before));
  context.stroke();
  let at = 0;
  const counted = (t) => { while (at < data.record.length && data.record[at][1] <= t) at++; return at ? data.record[at - 1][0] : 0; };
  const marks = data.events.filter(([, lane, phase]) => data.lanes[lane] === "reinforcer" || (data.lanes[lane] === "shock" && phase === 1));
  for (const [t, lane] of marks) {
    const shock = data.lanes[lane] === "shock", py = y(counted(t));
    context.strokeStyle = colour(shock ? "--vermilion" : "--blue");
    context.lineWidth = shock ? 2.5 : 1.5;
    context.beginPath(); context.moveTo(x(t), py); context.lineTo(x(t) + (shock ? 0 : 6), py + (shock ? -9 : 7)); context.stroke();
  }
  context.textAlign = "left"; context.textBaseline = "top";
  names.slice(0, 6).forEach((name, i) => {
    context.fillStyle = colour(BANDS[i % BANDS.length]);
    context.fillText(`■ ${name}`, MARGIN.left + 8 + i * 130, MARGIN.top + 2);
  });
}

function drawTrials() {
  if ($("trials-section").hidden) return;
  const paper = begin($("trials")), { context, width, height } = paper;
  const n = Math.max(10, ...data.trials.map((trial) => trial.number));
  const most = Math.max(1, ...data.trials.map((trial) => trial.latency_s ?? 0)) * 1.1;
  const x = (i) => MARGIN.left + (width - MARGIN.left - MARGIN.right) * (i - 0.5) / n;
  const y = (s) => height - MARGIN.bottom - (height - MARGIN.bottom - MARGIN.top) * s / most;
  axes(paper, { x, xs: range(1, n, Math.max(1, step(n, 12))), xText: (i) => String(Math.round(i)), y, ys: range(0, most, step(most, 4)), yText: (s) => String(Math.round(s * 100) / 100), yLabel: "Latency (s)" });
  for (const trial of data.trials) mark(context, trial.outcome, x(trial.number), y(trial.latency_s ?? 0), 5);
}

function drawRaster() {
  const paper = begin($("raster")), { context, width, height } = paper;
  const span = Number($("span").value), end = nowS(), start = end - span;
  const lanes = data.lanes.filter((name) => name !== "trial");
  const left = 110;
  const tall = (height - MARGIN.bottom - MARGIN.top) / Math.max(1, lanes.length);
  const x = (t) => left + (width - left - MARGIN.right) * (t - start) / span;
  axes(paper, { x, xs: range(Math.max(0, start), end, timeStep(span)), xText: timeText, y: (v) => v, ys: [], yText: String });
  context.save();
  context.beginPath(); context.rect(left, 0, width - left, height - MARGIN.bottom); context.clip();
  const tones = { shock: "--vermilion", reinforcer: "--blue", note: "--purple" };
  const open = new Map();
  const bar = (lane, from, to) => {
    const row = lanes.indexOf(data.lanes[lane]), name = data.lanes[lane];
    context.fillStyle = colour(tones[name] ?? (name.includes("lever") || name.startsWith("to ") ? "--ink" : "--orange"));
    const x0 = x(from);
    context.fillRect(x0, MARGIN.top + row * tall + tall * 0.2, Math.max(1.5, x(to) - x0), tall * 0.6);
  };
  for (const [t, lane, phase] of data.events) {
    if (data.lanes[lane] === "trial") {
      if (phase === 1 && t >= start) { context.fillStyle = colour("--faint"); context.fillRect(x(t), MARGIN.top, 1, height); }
      continue;
    }
    if (phase === 1) open.set(lane, t);
    else if (phase === 0) { if (open.has(lane) && t >= start) bar(lane, open.get(lane), t); open.delete(lane); }
    else if (t >= start) bar(lane, t, t);
  }
  for (const [lane, t] of open) bar(lane, t, data.lanes[lane].includes("lever") ? t : end);
  context.restore();
  context.textAlign = "right"; context.textBaseline = "middle";
  context.fillStyle = colour("--ink");
  lanes.forEach((name, row) => context.fillText(name.replaceAll("_", " "), left - 8, MARGIN.top + (row + 0.5) * tall));
}

let drawnS = -1;
function frame() {
  const t = nowS();
  if ($("t").textContent !== clock(t)) $("t").textContent = clock(t);
  if (dirty || Math.abs(t - drawnS) * 1200 / Number($("span").value) > 2) {
    drawRaster();
    if (dirty || Math.floor(t) !== Math.floor(drawnS)) { drawRecord(); drawTrials(); }
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

follow(`${address}/events`, take);
follow("/board/events", (message) => {
  const mine = message.cards.find((one) => one.session === session);
  if (!mine) return;
  card = mine;
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
showSound(address, $("sound"), $("sound-said"), $("sound-section"), () => card);
