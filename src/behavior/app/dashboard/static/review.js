// Call review: spectrogram tiles, calls over them, decisions by mouse and by keys. The server keeps every edit before
// it answers; this page only shows what the server says.

import { colour, many, post, say } from "/static/page.js";

const article = document.getElementById("review");
const { file, rater } = article.dataset;
const controls = article.dataset.controls === "yes";
const address = `/review/${file.split("/").map(encodeURIComponent).join("/")}`;
const place = (id) => document.getElementById(id);
const view = place("view"), overview = place("overview");
const EDGE_PX = 5, NUDGE_S = 0.002;

const state = {
  about: null, entries: [], byId: new Map(), seq: 0, level: 4, from: 0, chosen: null, pointer: null,
  drawing: false, drag: null, channel: "", busy: Promise.resolve(),
};

// ---- what the server has

async function fetched(what) {
  const answer = await fetch(`${address}/${what}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ?? `error ${answer.status}`);
  return body;
}

async function load() {
  try {
    state.about = await fetched(`about${channelQuery("?")}`);
  } catch (error) {
    const channels = /channels; say which one .* 1 to (\d+)/.exec(error.message);
    if (!channels || state.channel) throw error;
    offerChannels(Number(channels[1]));
    return load();
  }
  const { seq, entries } = await fetched(`entries?rater=${encodeURIComponent(rater)}`);
  state.seq = seq;
  state.byId = new Map(entries.map((one) => [one.id, one]));
  sort();
  const at = Number(new URLSearchParams(location.search).get("at"));
  if (at) choose(nearest(at));
  redraw();
}

function offerChannels(n) {
  const choice = place("channel");
  choice.replaceChildren(...Array.from({ length: n }, (_, i) => new Option(String(i + 1))));
  place("channel-choice").hidden = false;
  state.channel = "1";
  choice.addEventListener("change", () => { state.channel = choice.value; images.clear(); load().catch(failed); });
}

const channelQuery = (sign) => (state.channel ? `${sign}channel=${state.channel}` : "");
const failed = (error) => say(error.message, { error: true });

function sort() {
  state.entries = [...state.byId.values()].sort((a, b) => a.onset_s - b.onset_s || (a.id < b.id ? -1 : 1));
}

/** Edits go one after the other, each on what the one before left. */
function edit(action, more = {}) {
  if (!controls) { say("These screens are read-only."); return; }
  state.busy = state.busy.then(async () => {
    try {
      const channel = state.channel ? Number(state.channel) : null;
      const made = await post(`${address}/edit`, { rater, seq: state.seq, action, channel, ...more });
      state.seq = made.seq;
      made.removed.forEach((id) => state.byId.delete(id));
      made.entries.forEach((one) => state.byId.set(one.id, one));
      sort();
      const still = state.chosen && state.byId.has(state.chosen) ? state.chosen : made.entries[0]?.id ?? null;
      choose(made.entries.length ? made.entries[0].id : still, { move: action === "undo" });
    } catch (error) { failed(error); }
  });
  return state.busy;
}

// ---- time and frequency on the canvas

const secondsAPixel = (level = state.level) => state.about.column_s * 2 ** level;
const width = () => view.clientWidth;
const height = () => view.clientHeight;
const xOf = (s) => (s - state.from) / secondsAPixel();
const sOf = (x) => state.from + x * secondsAPixel();
const yOf = (hz) => height() * (1 - hz / state.about.top_hz);
const hzOf = (y) => state.about.top_hz * (1 - y / height());

function farthest() {
  let level = 0;
  while (level < state.about.highest_level && secondsAPixel(level) * width() < state.about.duration_s) level += 1;
  return level;
}

function go(from) {
  const most = Math.max(0, state.about.duration_s - width() * secondsAPixel() * 0.5);
  state.from = Math.min(Math.max(0, from), most);
  redraw();
}

function zoom(by, x = width() / 2) {
  const at = sOf(x);
  state.level = Math.min(Math.max(0, state.level + by), farthest());
  go(at - x * secondsAPixel());
}

// ---- tiles

const images = new Map();
const MOST_IMAGES = 300;

function image(level, index) {
  const key = `${level}/${index}`;
  let one = images.get(key);
  if (!one) {
    one = new Image();
    one.onload = redraw;
    one.onerror = async () => {
      images.delete(key);
      try { await fetched(`tile/${level}/${index}.png${channelQuery("?")}`); } catch (error) {
        if (!(error instanceof SyntaxError)) failed(error);
      }
    };
    one.src = `${address}/tile/${level}/${index}.png${channelQuery("?")}`;
    images.set(key, one);
    while (images.size > MOST_IMAGES) images.delete(images.keys().next().value);
  }
  return one.complete && one.naturalWidth ? one : null;
}

function paintTiles(context, level, from, widthPx, heightPx) {
  const each = state.about.width * secondsAPixel(level);
  const last = Math.min(state.about.duration_s, from + widthPx * secondsAPixel(level));
  for (let index = Math.floor(from / each); index * each < last; index += 1) {
    const one = image(level, index);
    if (one) context.drawImage(one, (index * each - from) / secondsAPixel(level), 0, state.about.width, heightPx);
  }
}

// ---- drawing

let wanted = false;
function redraw() {
  if (wanted || !state.about) return;
  wanted = true;
  requestAnimationFrame(() => { wanted = false; paint(); });
}

function prepared(canvas) {
  const ratio = devicePixelRatio || 1;
  const [w, h] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = "#000";
  context.fillRect(0, 0, w, h);
  return context;
}

function paint() {
  const context = prepared(view);
  paintTiles(context, state.level, state.from, width(), height());
  paintAxes(context);
  const to = sOf(width());
  for (const one of state.entries) {
    if (one.offset_s >= state.from && one.onset_s <= to && isShown(one)) paintEntry(context, one);
  }
  if (state.drag?.box) paintBox(context, state.drag.box);
  paintOverview();
  say_place();
}

function paintAxes(context) {
  context.fillStyle = "#ffffffcc";
  context.font = "12px system-ui, sans-serif";
  const step = state.about.top_hz > 60000 ? 20000 : 10000;
  for (let hz = step; hz < state.about.top_hz; hz += step) {
    context.fillRect(0, yOf(hz), 6, 1);
    context.fillText(`${hz / 1000} kHz`, 9, yOf(hz) + 4);
  }
  const span = width() * secondsAPixel();
  const tick = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 600, 1800].find((one) => span / one < 12) ?? 3600;
  for (let s = Math.ceil(state.from / tick) * tick; s < sOf(width()); s += tick) {
    context.fillRect(xOf(s), height() - 6, 1, 6);
    context.fillText(clock(s, tick), xOf(s) + 3, height() - 8);
  }
}

function clock(s, step = 0.001) {
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
  const minutes = Math.floor(s / 60 + 1e-9);
  return `${minutes}:${(s - 60 * minutes).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;
}

const bright = (token) => ({ call: "#5ec8ff", rejected: "#c9c9cf", chosen: "#ffb454" })[token];

function paintEntry(context, one) {
  const chosen = one.id === state.chosen;
  const x = xOf(one.onset_s), w = Math.max(2, xOf(one.offset_s) - x);
  const y = yOf(one.high_hz) - 3, h = Math.max(6, yOf(one.low_hz) - yOf(one.high_hz) + 6);
  context.save();
  context.strokeStyle = chosen ? bright("chosen") : bright(one.is_call ? "call" : "rejected");
  context.lineWidth = chosen ? 3 : 1.5;
  context.setLineDash(one.is_call ? [] : [4, 4]);
  context.strokeRect(x, y, w, h);
  context.fillStyle = context.strokeStyle;
  context.font = "12px system-ui, sans-serif";
  const mark = one.by === "detector" ? "" : one.is_call ? "✓ " : "✕ ";
  const said = one.is_call ? one.call_type : one.reason;
  if (w > 26 || chosen) context.fillText(mark + said, x, y - 4);
  else if (mark) context.fillText(mark, x, y - 4);
  context.restore();
}

function paintBox(context, box) {
  context.strokeStyle = bright("chosen");
  context.setLineDash([6, 3]);
  context.strokeRect(box.x, box.y, box.w, box.h);
  context.setLineDash([]);
}

function paintOverview() {
  const context = prepared(overview);
  const level = farthestOf(overview.clientWidth);
  const scale = overview.clientWidth / (state.about.duration_s / secondsAPixel(level));
  context.save();
  context.scale(scale, 1);
  paintTiles(context, level, 0, state.about.duration_s / secondsAPixel(level), overview.clientHeight);
  context.restore();
  const x = (s) => (s / state.about.duration_s) * overview.clientWidth;
  context.fillStyle = bright("call");
  for (const one of state.entries) if (one.is_call) context.fillRect(x(one.onset_s), 0, 1.5, 6);
  context.strokeStyle = bright("chosen");
  context.lineWidth = 2;
  context.strokeRect(x(state.from), 1, Math.max(3, x(width() * secondsAPixel())), overview.clientHeight - 2);
  overview.setAttribute("aria-valuenow", String(Math.round((100 * state.from) / state.about.duration_s)));
}

function farthestOf(w) {
  let level = 0;
  while (level < state.about.highest_level && secondsAPixel(level) * w < state.about.duration_s) level += 1;
  return level;
}

function say_place() {
  const n = state.entries.filter((one) => one.is_call).length;
  const looked = state.entries.filter((one) => one.by !== "detector").length;
  place("place").textContent =
    `${clock(state.from, 1)} to ${clock(Math.min(sOf(width()), state.about.duration_s), 1)} of ${clock(state.about.duration_s, 1)} · ${many(n, "call")}, ` +
    `${state.entries.length - n} rejected, ${looked} looked at`;
}

// ---- choosing

function isShown(one) {
  const shown = place("shown").value, type = place("type-filter").value, least = place("least").value;
  if (shown === "calls" && !one.is_call) return false;
  if (shown === "rejected" && one.is_call) return false;
  if (shown === "open" && one.by !== "detector") return false;
  if (type && one.call_type !== type) return false;
  return least === "" || one.score >= Number(least);
}

function choose(id, { move = true } = {}) {
  state.chosen = id;
  const one = state.byId.get(id);
  if (one) {
    const middle = (one.onset_s + one.offset_s) / 2;
    if (move && (one.onset_s < state.from || one.offset_s > sOf(width()))) go(middle - (width() / 2) * secondsAPixel());
    const ms = (1000 * (one.offset_s - one.onset_s)).toFixed(1);
    place("chosen").textContent =
      `${clock(one.onset_s)}, ${ms} ms, ${(one.low_hz / 1000).toFixed(1)} to ${(one.high_hz / 1000).toFixed(1)} kHz: ` +
      (one.is_call ? one.call_type || "call" : `no call${one.reason ? ` (${one.reason})` : ""}`) +
      (one.by === "detector" ? `, score ${one.score.toFixed(0)}` : `, decided by ${one.by}`);
    if (place("type")) place("type").value = [...place("type").options].some((option) => option.value === one.call_type) ? one.call_type : "";
  } else {
    place("chosen").textContent = "";
  }
  redraw();
}

const shownEntries = () => state.entries.filter(isShown);
const nearest = (s) => state.entries.reduce((best, one) =>
  !best || Math.abs(one.onset_s - s) < Math.abs(best.onset_s - s) ? one : best, null)?.id ?? null;

function step(by, list = shownEntries()) {
  if (!list.length) { say("There is nothing of that kind."); return; }
  const at = state.byId.get(state.chosen)?.onset_s ?? state.from - 1e-9;
  const there = list.findIndex((one) => one.id === state.chosen);
  let next;
  if (there >= 0) next = list[(there + by + list.length) % list.length];
  else next = by > 0 ? list.find((one) => one.onset_s >= at) ?? list[0] : [...list].reverse().find((one) => one.onset_s < at) ?? list.at(-1);
  choose(next.id);
}

/** Not looked at, and among the weakest third of calls or the strongest third of what was rejected. */
function uncertain() {
  const third = (kind, weakest) => {
    const scores = state.entries.filter((one) => one.is_call === kind).map((one) => one.score).sort((a, b) => a - b);
    return scores[Math.floor(scores.length * (weakest ? 1 / 3 : 2 / 3))];
  };
  const most = third(true, true), least = third(false, false);
  return state.entries.filter((one) => one.by === "detector" && (one.is_call ? one.score <= most : one.score >= least));
}

function entryAt(x, y) {
  const near = shownEntries().filter((one) =>
    x >= xOf(one.onset_s) - EDGE_PX && x <= xOf(one.offset_s) + EDGE_PX &&
    y >= yOf(one.high_hz) - 12 && y <= yOf(one.low_hz) + 12);
  return near.find((one) => one.id === state.chosen) ?? near.sort((a, b) => Number(b.is_call) - Number(a.is_call))[0] ?? null;
}

function edgeAt(x, y) {
  const one = state.byId.get(state.chosen);
  if (!one || y < yOf(one.high_hz) - 16 || y > yOf(one.low_hz) + 16) return null;
  if (Math.abs(x - xOf(one.onset_s)) <= EDGE_PX) return "onset_s";
  return Math.abs(x - xOf(one.offset_s)) <= EDGE_PX ? "offset_s" : null;
}

// ---- what can be done

const needs = (act) => () => {
  if (state.byId.has(state.chosen)) return act(state.byId.get(state.chosen));
  say("Choose a call first: click it, or press k.");
};
const moved = (one, key, by) => edit("move", { id: one.id, onset_s: one.onset_s, offset_s: one.offset_s, [key]: one[key] + by });
const after = (one) => state.entries.slice(state.entries.indexOf(one) + 1).find((other) => other.is_call);

const deeds = {
  previous: () => step(-1),
  next: () => step(1),
  uncertain: () => step(1, uncertain()),
  in: () => zoom(-1),
  out: () => zoom(1),
  accept: needs((one) => edit("accept", { id: one.id })),
  reject: needs((one) => edit("reject", { id: one.id })),
  split: needs((one) => edit("split", { id: one.id, at_s: state.pointer ? sOf(state.pointer.x) : (one.onset_s + one.offset_s) / 2 })),
  join: needs((one) => (after(one) ? edit("join", { ids: [one.id, after(one).id] }) : say("There is no call after this one."))),
  undo: () => edit("undo"),
  play,
  add: () => {
    state.drawing = !state.drawing;
    const button = document.querySelector("[data-does=add]");
    button?.setAttribute("aria-pressed", String(state.drawing));
    view.style.cursor = state.drawing ? "crosshair" : "";
    if (state.drawing) say("Drag a box around the call.");
  },
  use: async () => {
    await state.busy;
    try { say((await post(`${address}/use`, { rater })).said); } catch (error) { failed(error); }
  },
};

function play() {
  const one = state.byId.get(state.chosen);
  const [begin, end] = one ? [Math.max(0, one.onset_s - 0.1), one.offset_s + 0.1] : [state.from, sOf(width())];
  const how = place("listen").value;
  const tuned = one ? (one.low_hz + one.high_hz) / 2 - 2000 : 40000;
  const player = place("player");
  player.hidden = false;
  player.src = `${address}/sound.wav?begin=${begin}&end=${Math.min(end, state.about.duration_s)}` +
    `&${how === "tuned" ? `tuned=${Math.max(1000, tuned)}` : how}${channelQuery("&")}`;
  player.play().catch(async () => {
    try { await fetched(player.src.split("/").at(-1)); } catch (error) { if (!(error instanceof SyntaxError)) failed(error); }
  });
}

document.querySelectorAll("[data-does]").forEach((button) => button.addEventListener("click", () => {
  deeds[button.dataset.does]();
  if (button.dataset.does !== "add") view.focus({ preventScroll: true });
}));
["shown", "type-filter", "least"].forEach((id) => place(id).addEventListener("input", redraw));
place("type")?.addEventListener("change", needs((one) => place("type").value && edit("retype", { id: one.id, call_type: place("type").value })));

// ---- keys

const keys = {
  a: "accept", r: "reject", d: "add", s: "split", j: "join", u: "undo", n: "uncertain", k: "next", p: "previous",
  " ": "play", "+": "in", "=": "in", "-": "out",
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA|SUMMARY|AUDIO)$/.test(event.target.tagName)) return;
  if (event.target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
  const span = width() * secondsAPixel();
  const moves = { ArrowLeft: -0.25 * span, ArrowRight: 0.25 * span, PageUp: -0.9 * span, PageDown: 0.9 * span };
  const nudges = { "[": ["onset_s", -NUDGE_S], "]": ["onset_s", NUDGE_S], "{": ["offset_s", -NUDGE_S], "}": ["offset_s", NUDGE_S] };
  if (event.key in keys) deeds[keys[event.key]]();
  else if (event.key in moves) go(state.from + moves[event.key]);
  else if (event.key in nudges) needs((one) => moved(one, ...nudges[event.key]))();
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(state.about.duration_s);
  else if (event.key === "t" && place("type")) place("type").focus();
  else if (event.key === "Escape") { state.drawing && deeds.add(); choose(null); }
  else return;
  event.preventDefault();
});

// ---- mouse

const pointOf = (event) => { const box = view.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };

view.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !state.about) return;
  const at = pointOf(event);
  view.setPointerCapture(event.pointerId);
  view.focus({ preventScroll: true });
  const edge = controls && !state.drawing ? edgeAt(at.x, at.y) : null;
  if (state.drawing) state.drag = { kind: "draw", at, box: { ...at, w: 0, h: 0 } };
  else if (edge) state.drag = { kind: "edge", edge, one: { ...state.byId.get(state.chosen) }, at };
  else state.drag = { kind: "scroll", at, from: state.from, far: 0 };
});

view.addEventListener("pointermove", (event) => {
  if (!state.about) return;
  const at = pointOf(event), drag = state.drag;
  state.pointer = at;
  if (!drag) {
    if (!state.drawing) view.style.cursor = controls && edgeAt(at.x, at.y) ? "ew-resize" : "";
    return;
  }
  if (drag.kind === "draw") {
    drag.box = { x: Math.min(at.x, drag.at.x), y: Math.min(at.y, drag.at.y), w: Math.abs(at.x - drag.at.x), h: Math.abs(at.y - drag.at.y) };
  } else if (drag.kind === "edge") {
    const one = state.byId.get(drag.one.id);
    one[drag.edge] = sOf(at.x);
  } else {
    drag.far = Math.max(drag.far, Math.abs(at.x - drag.at.x));
    if (drag.far > 3) { go(drag.from - (at.x - drag.at.x) * secondsAPixel()); return; }
  }
  redraw();
});

view.addEventListener("pointerup", async (event) => {
  const drag = state.drag, at = pointOf(event);
  state.drag = null;
  if (!drag) return;
  if (drag.kind === "draw") {
    const { x, y, w, h } = drag.box;
    deeds.add();
    if (w > 1 && h > 3) await edit("add", { onset_s: sOf(x), offset_s: sOf(x + w), low_hz: Math.max(0, hzOf(y + h)), high_hz: hzOf(y) });
  } else if (drag.kind === "edge") {
    const now = { ...state.byId.get(drag.one.id) };
    state.byId.set(drag.one.id, drag.one);
    sort();
    await edit("move", { id: now.id, onset_s: now.onset_s, offset_s: now.offset_s });
  } else if (drag.far <= 3) {
    choose(entryAt(at.x, at.y)?.id ?? null, { move: false });
  }
  redraw();
});

view.addEventListener("wheel", (event) => {
  event.preventDefault();
  if (event.ctrlKey) zoom(event.deltaY > 0 ? 1 : -1, pointOf(event).x);
  else go(state.from + (event.deltaY || event.deltaX) * secondsAPixel());
}, { passive: false });

overview.addEventListener("click", (event) => {
  const part = event.offsetX / overview.clientWidth;
  go(part * state.about.duration_s - (width() / 2) * secondsAPixel());
});

new ResizeObserver(redraw).observe(view);
addEventListener("themechange", () => { colour("--ink"); redraw(); });
load().then(() => { state.level = Math.min(state.level, farthest()); document.body.dataset.ready = "yes"; redraw(); }).catch(failed);
