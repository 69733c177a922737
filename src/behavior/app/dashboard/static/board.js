// The live board: cards from the stream. Only what changed is touched, so that eight busy chambers stay smooth.

import { askNote, askStop, askStopAll, finishedAddress, liveAddress } from "/static/asking.js";
import { STATES, clock, follow } from "/static/following.js";
import { element, many } from "/static/page.js";

const place = document.getElementById("cards");
const controls = Boolean(place.dataset.controls);
const canStart = Boolean(place.dataset.canStart);
const shown = new Map();

const number = (value, digits = 1) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const percent = (value) => (value === null || value === undefined ? "–" : `${Math.round(100 * value)} %`);

/** A card's elements, made once; `fields` are what changes. */
function make(key) {
  const fields = {};
  const field = (name, tag = "span", attributes = {}) => (fields[name] = element(tag, { class: name, ...attributes }));
  const node = element("article", { class: "card", tabindex: "0", "data-key": key },
    element("header", {}, field("chamber"), field("rig"), field("state"), field("t", "span", { "aria-hidden": "true" })),
    element("p", { class: "who" }, field("subject", "strong"), field("treatment")),
    element("p", { class: "what" }, field("paradigm"), field("where")),
    field("last", "p"),
    field("counts", "p"),
    field("alerts", "ul"),
    field("status", "p"),
    field("buttons", "p"));
  const card = { node, fields, data: null, texts: new Map() };
  node.addEventListener("keydown", (event) => keys(card, event));
  fields.alerts.setAttribute("aria-live", "polite");
  return card;
}

function text(card, name, value) {
  if (card.texts.get(name) === value) return;
  card.texts.set(name, value);
  card.fields[name].textContent = value;
}

function list(card, name, values, tag) {
  const joined = values.join("\n");
  if (card.texts.get(name) === joined) return;
  card.texts.set(name, joined);
  card.fields[name].replaceChildren(...values.map((value) => element(tag, {}, value)));
}


function counts(data) {
  const parts = data.shock_on_ma === null ? [] : [`⚡ ${data.shock_on_ma.toFixed(2)} mA`];
  const outcomes = Object.entries(data.tally);
  if (data.fraction_escapes !== null) parts.push(`escapes ${percent(data.fraction_escapes)}`);
  if (outcomes.length) parts.push(outcomes.map(([name, n]) => `${n} ${name}`).join(", "));
  if (data.n_calls !== null) parts.push(many(data.n_calls, "call"));
  const unresponded = data.n_calls !== null && !data.n_responses;
  for (const [name, rate, n] of unresponded ? [] : data.rates) parts.push(`${name} ${number(rate)}/min (${n})`);
  if (!data.rates.length && data.n_responses) parts.push(many(data.n_responses, "response"), `${number(data.recent_per_min)}/min`);
  if (data.n_arrived) parts.push(many(data.n_arrived, "reinforcer"));
  if (data.session && data.allowed) parts.push(`shocks ${data.n_shocks} of ${data.allowed}`);
  return parts;
}

function status(data) {
  const parts = data.devices.map((device) => {
    if (device.lost) return `✕ ${device.name} lost`;
    if (device.silent_s === null) return `○ ${device.name} not heard yet`;
    return `${device.silent_s > 1.5 ? "✕" : "●"} ${device.name} ${device.silent_s.toFixed(1)} s ago`;
  });
  if (data.recording) parts.push("● sound");
  if (data.n_dropped !== null) parts.push(data.n_dropped ? `✕ ${data.n_dropped} samples lost` : "no sample lost");
  if (data.free_gb !== null) parts.push(`${data.free_gb < 5 ? "✕ " : ""}${data.free_gb.toFixed(0)} GB free`);
  if (data.n_notes) parts.push(many(data.n_notes, "note"));
  if (data.simulated) parts.push("simulated");
  return parts.join(" · ");
}

function draw(card, data) {
  const before = card.data;
  card.data = data;
  card.node.dataset.state = data.state;
  const name = `Chamber ${data.chamber}, ${data.subject || "empty"}, ${STATES[data.state]}`;
  if (card.node.getAttribute("aria-label") !== name) card.node.setAttribute("aria-label", name);
  card.node.dataset.lastUs = data.last_us;
  text(card, "chamber", data.chamber);
  text(card, "rig", place.dataset.rigs > 1 ? data.rig : "");
  text(card, "state", data.state === "ended" && data.reason !== "completed" ? "ended early" : STATES[data.state] ?? data.state);
  text(card, "t", data.session ? clock(data.t_s) : "");
  text(card, "subject", data.subject || (data.session ? "?" : "empty"));
  text(card, "treatment", data.treatment);
  text(card, "paradigm", data.paradigm.replaceAll("_", " "));
  text(card, "where", data.on.length ? `${data.where} · ${data.on.join(", ").replaceAll("_", " ")} on` : data.where);
  text(card, "last", data.state === "ended" ? data.reason : data.last);
  list(card, "counts", counts(data), "span");
  card.node.dataset.shock = data.shock_on_ma === null ? "" : "on";
  text(card, "status", status(data));
  list(card, "alerts", data.alerts.map((alert) => `⚠ ${alert}`), "li");
  if (!before || before.state !== data.state || before.session !== data.session || before.stoppable !== data.stoppable) {
    buttons(card, data);
  }
}

function buttons(card, data) {
  const made = [];
  const live = ["running", "starting", "silent", "died"].includes(data.state);
  if (data.session) made.push(element("a", { class: "button", href: (data.state === "ended" ? finishedAddress : liveAddress)(data.session) }, data.state === "ended" ? "Session" : "Open"));
  if (controls && live && data.state !== "died") {
    const note = element("button", { type: "button" }, "Note");
    note.onclick = () => askNote(card.data);
    const stop = element("button", { type: "button", class: "stop", disabled: !data.stoppable }, data.stoppable ? "Stop" : "Stopping…");
    stop.onclick = () => askStop(card.data);
    made.push(note, stop);
  }
  if (canStart && !live) made.push(element("a", { class: "button", href: `/start/${encodeURIComponent(data.chamber)}` }, "Start"));
  card.fields.buttons.replaceChildren(...made);
}

function keys(card, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const onCard = event.target === card.node;
  const cards = [...place.children];
  const at = cards.indexOf(card.node);
  const columns = cards.filter((node) => node.offsetTop === cards[0].offsetTop).length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (step && cards[at + step]) { cards[at + step].focus(); event.preventDefault(); }
  else if (onCard && event.key === "Enter") card.node.querySelector("a.button")?.click();
  else if (controls && event.key === "S") stopAll();
  else if (controls && event.key === "s" && card.data.stoppable) askStop(card.data);
  else if (controls && event.key === "n" && card.data.stoppable) { event.preventDefault(); askNote(card.data); }
}

function stopAll() {
  const cards = [...shown.values()].map((card) => card.data).filter((data) => data.stoppable);
  if (cards.length) askStopAll(cards);
}
document.getElementById("stop-all")?.addEventListener("click", stopAll);

let coming = new Map(), order = null, due = false;

function paint() {
  due = false;
  place.dataset.rigs = new Set((order ?? [...shown.keys()]).map((key) => key.slice(0, key.lastIndexOf("/")))).size;
  for (const [key, data] of coming) {
    if (!shown.has(key)) shown.set(key, make(key));
    draw(shown.get(key), data);
  }
  coming = new Map();
  if (order) {
    for (const key of [...shown.keys()].filter((one) => !order.includes(one))) { shown.get(key).node.remove(); shown.delete(key); }
    order.forEach((key, i) => { const node = shown.get(key)?.node; if (node && place.children[i] !== node) place.insertBefore(node, place.children[i] ?? null); });
    document.getElementById("none").hidden = order.length > 0;
  }
  order = null;
  const all = document.getElementById("stop-all");
  if (all) all.disabled = ![...shown.values()].some((card) => card.data.stoppable);
}

follow("/board/events", (message) => {
  for (const card of message.cards) coming.set(card.key, card);
  order = message.order;
  if (!due) { due = true; requestAnimationFrame(paint); }
}, {
  onLink: (up) => {
    const link = document.getElementById("link");
    link.textContent = up ? "● live" : "✕ the board does not answer; sessions go on without it";
    link.className = up ? "tag" : "tag bad";
    place.classList.toggle("stale", !up);
  },
});
