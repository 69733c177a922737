// Each subject's sessions over time, one small plot a subject, all on the same axes.

import { colour, element } from "/static/page.js";
import { begin, range, step } from "/static/plot.js";

const $ = (id) => document.getElementById(id);
const M = { left: 44, right: 14, top: 8, bottom: 20 };
let data = null;

function plot(canvas, visits, name, days, most) {
  const { context, width, height } = begin(canvas);
  const x = (day) => M.left + (width - M.left - M.right) * (days > 1 ? (day - 1) / (days - 1) : 0.5);
  const y = (value) => height - M.bottom - (height - M.bottom - M.top) * value / most;
  context.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  context.strokeStyle = colour("--rule");
  context.fillStyle = colour("--faint");
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of range(0, most, step(most, 3))) {
    const at = Math.round(y(value)) + 0.5;
    context.beginPath(); context.moveTo(M.left, at); context.lineTo(width - M.right, at); context.stroke();
    context.fillText(String(Math.round(value * 1000) / 1000), M.left - 5, at);
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const day of new Set([1, ...range(2, days, Math.max(1, step(days, 4)))])) context.fillText(String(Math.round(day)), x(day), height - M.bottom + 4);
  const points = visits.filter((visit) => name in visit.values);
  context.strokeStyle = context.fillStyle = colour("--blue");
  context.lineWidth = 1.5;
  context.beginPath();
  for (const visit of points) context.lineTo(x(visit.day), y(visit.values[name]));
  context.stroke();
  for (const visit of points) { context.beginPath(); context.arc(x(visit.day), y(visit.values[name]), 3.5, 0, 7); context.fill(); }
}

function show() {
  const name = $("measure").value;
  const label = data.measures.find((one) => one.name === name).label;
  const entries = Object.entries(data.subjects).filter(([, visits]) => visits.some((visit) => name in visit.values));
  const all = entries.flatMap(([, visits]) => visits.filter((visit) => name in visit.values));
  const most = Math.max(1e-9, ...all.map((visit) => visit.values[name])) * 1.05;
  const days = Math.max(1, ...all.map((visit) => visit.day));
  const coded = data.n_coded ? ` ${data.n_coded} sessions under a code are left out until the study is unblinded.` : "";
  $("courses-said").textContent = `${label}, by the day of the study; completed sessions only.${coded}`;
  $("grid").replaceChildren(...entries.map(([subject, visits]) => {
    const values = visits.filter((visit) => name in visit.values).map((visit) => `day ${visit.day}: ${Number(visit.values[name].toPrecision(3))}`);
    const figure = element("figure", {}, element("figcaption", {}, subject), element("canvas", { class: "plot small", role: "img", "aria-label": `${subject}, ${label}: ${values.join("; ")}` }));
    figure.title = values.join("\n");
    return figure;
  }));
  [...$("grid").children].forEach((figure, i) => plot(figure.querySelector("canvas"), entries[i][1], name, days, most));
}

const answer = await fetch("/study/courses");
if (answer.ok) {
  data = await answer.json();
  if (data.measures.length) {
    $("measure").replaceChildren(...data.measures.map((one) => element("option", { value: one.name }, one.label)));
    $("courses").hidden = false;
    $("measure").addEventListener("change", show);
    addEventListener("themechange", show);
    addEventListener("resize", show);
    show();
  } else if (data.n_coded) {
    $("courses").hidden = false;
    $("measure").hidden = true;
    $("courses-said").textContent = `${data.n_coded} sessions under a code are left out until the study is unblinded; no others are finished.`;
  }
}
