// The drawings that the live page and the page of a finished session share.

import { colour } from "/static/page.js";
import { MARGIN, axes, begin, mark, range, step, timeStep, timeText } from "/static/plot.js";

const BANDS = ["--blue", "--orange", "--purple", "--green"];
const LEFT = 110;

/** Cumulative record: responses over time, reinforcers and shocks as ticks, components as bands. Times in s. */
export function drawRecord(canvas, data, nowS, left = MARGIN.left) {
  const paper = begin(canvas), { context, width, height } = paper;
  const last = data.record.length ? data.record[data.record.length - 1] : [0, 0];
  const end = Math.max(10, nowS, last[1]), most = Math.max(10, last[0]);
  const x = (t) => left + (width - left - MARGIN.right) * t / end;
  const y = (n) => height - MARGIN.bottom - (height - MARGIN.bottom - MARGIN.top) * n / most;
  const names = [...new Set(data.bands.map(([name]) => name))];
  for (const [name, from, to] of data.bands) {
    context.globalAlpha = 0.13;
    context.fillStyle = colour(BANDS[names.indexOf(name) % BANDS.length]);
    const x0 = x(from / 1e6);
    context.fillRect(x0, MARGIN.top, Math.max(1, x((to ?? end * 1e6) / 1e6) - x0), height - MARGIN.bottom - MARGIN.top);
    context.globalAlpha = 1;
  }
  axes(paper, { left, x, xs: range(0, end, timeStep(end)), xText: timeText, y, ys: range(0, most, step(most)), yText: String, yLabel: "Responses" });
  context.strokeStyle = colour("--ink");
  context.lineWidth = 1.5;
  context.beginPath();
  let before = 0;
  context.moveTo(x(0), y(0));
  for (const [n, t] of data.record) { context.lineTo(x(t), y(before)); context.lineTo(x(t), y(n)); before = n; }
  context.lineTo(x(Math.min(end, Math.max(nowS, 0))), y(before));
  context.stroke();
  let at = 0;
  const counted = (t) => { while (at < data.record.length && data.record[at][1] <= t) at++; return at ? data.record[at - 1][0] : 0; };
  for (const [us, shock] of data.marks) {
    const t = us / 1e6, py = y(counted(t));
    context.strokeStyle = colour(shock ? "--vermilion" : "--blue");
    context.lineWidth = shock ? 2.5 : 1.5;
    context.beginPath();
    context.moveTo(x(t), py);
    context.lineTo(x(t) + (shock ? 0 : 6), py + (shock ? -9 : 7));
    context.stroke();
  }
  context.textAlign = "left";
  context.textBaseline = "top";
  let px = left + 8;
  for (const name of names.slice(0, 6)) {
    const text = `■ ${name}`;
    context.fillStyle = colour(BANDS[names.indexOf(name) % BANDS.length]);
    context.fillText(text, px, MARGIN.top + 2);
    px += context.measureText(text).width + 18;
  }
}

/** Outcome and latency of each trial. */
export function drawTrials(canvas, trials) {
  const paper = begin(canvas), { context, width, height } = paper;
  const n = Math.max(10, ...trials.map((trial) => trial.number));
  const most = Math.max(1, ...trials.map((trial) => trial.latency_s ?? 0)) * 1.1;
  const x = (i) => MARGIN.left + (width - MARGIN.left - MARGIN.right) * (i - 0.5) / n;
  const y = (s) => height - MARGIN.bottom - (height - MARGIN.bottom - MARGIN.top) * s / most;
  axes(paper, { x, xs: range(1, n, Math.max(1, step(n, 12))), xText: (i) => String(Math.round(i)), y, ys: range(0, most, step(most, 4)), yText: (s) => String(Math.round(s * 100) / 100), yLabel: "Latency (s)" });
  for (const trial of trials) mark(context, trial.outcome, x(trial.number), y(trial.latency_s ?? 0), 5);
}

/** Events in lanes, from `start` to `end`, s. */
export function drawRaster(canvas, data, start, end) {
  const paper = begin(canvas), { context, width, height } = paper;
  const span = end - start;
  const lanes = data.lanes.filter((name) => name !== "trial");
  const tall = (height - MARGIN.bottom - MARGIN.top) / Math.max(1, lanes.length);
  const x = (t) => LEFT + (width - LEFT - MARGIN.right) * (t - start) / span;
  axes(paper, { left: LEFT, x, xs: range(Math.max(0, start), end, timeStep(span)), xText: timeText, y: (v) => v, ys: [], yText: String });
  context.save();
  context.beginPath();
  context.rect(LEFT, 0, width - LEFT, height - MARGIN.bottom);
  context.clip();
  const tones = { shock: "--vermilion", reinforcer: "--blue", note: "--purple", call: "--green", "sound lost": "--vermilion" };
  const row = data.lanes.map((name) => lanes.indexOf(name));
  const tone = data.lanes.map((name) => colour(tones[name] ?? (name.includes("lever") || name.startsWith("to ") || name === "head entry" ? "--ink" : "--orange")));
  const bar = (lane, from, to) => {
    const x0 = x(from);
    context.fillStyle = tone[lane];
    context.fillRect(x0, MARGIN.top + row[lane] * tall + tall * 0.2, Math.max(1.5, x(to) - x0), tall * 0.6);
  };
  const open = new Map();
  for (const [t, lane, phase] of data.events) {
    if (row[lane] < 0) {
      if (phase === 1 && t >= start) { context.fillStyle = colour("--rule"); context.fillRect(x(t), MARGIN.top, 1, height); }
    } else if (phase === 1) open.set(lane, t);
    else if (phase === 0) { if (open.has(lane) && t >= start) bar(lane, open.get(lane), t); open.delete(lane); }
    else if (t >= start) bar(lane, t, t);
  }
  for (const [lane, t] of open) bar(lane, t, data.lanes[lane].includes("lever") ? t : end);
  context.restore();
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillStyle = colour("--ink");
  lanes.forEach((name, i) => context.fillText(name.replaceAll("_", " "), LEFT - 8, MARGIN.top + (i + 0.5) * tall));
}

/** Flat triples of µs, lane, phase as events in s. */
export function triples(flat) {
  const events = [];
  for (let i = 0; i < flat.length; i += 3) events.push([flat[i] / 1e6, flat[i + 1], flat[i + 2]]);
  return events;
}
export { LEFT };
