// Drawing on a canvas: sharp on any screen, in the colours of the page, with axes that people can read.

import { colour } from "/static/page.js";

export const MARGIN = { left: 58, right: 24, top: 8, bottom: 26 };

/** Fit the canvas to its place; the context in CSS pixels, with width and height. */
export function begin(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "13px system-ui, 'DejaVu Sans', sans-serif";
  return { context, width, height };
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
export function timeStep(span, most = 8) { return STEPS.find((step) => span / step <= most) ?? 14400; }

export function step(span, most = 5) {
  const raw = span / most, power = 10 ** Math.floor(Math.log10(raw || 1));
  return [1, 2, 5, 10].map((n) => n * power).find((one) => one >= raw) ?? power * 10;
}

export function timeText(s) {
  const sign = s < 0 ? "−" : "";
  s = Math.round(Math.abs(s));
  return `${sign}${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

/** Axis lines and their numbers; x and y turn values into pixels. */
export function axes({ context, width, height }, { x, xs, xText, y, ys, yText, yLabel, left = MARGIN.left, grid = true }) {
  context.strokeStyle = colour("--rule");
  context.fillStyle = colour("--faint");
  context.lineWidth = 1;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const value of xs) {
    const at = Math.round(x(value)) + 0.5;
    context.beginPath(); context.moveTo(at, grid ? MARGIN.top : height - MARGIN.bottom); context.lineTo(at, height - MARGIN.bottom + 4); context.stroke();
    context.fillText(xText(value), at, height - MARGIN.bottom + 7);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of ys) {
    const at = Math.round(y(value)) + 0.5;
    context.beginPath(); context.moveTo(left - 4, at); context.lineTo(grid ? width - MARGIN.right : left, at); context.stroke();
    context.fillText(yText(value), left - 7, at);
  }
  if (yLabel) {
    context.save();
    context.translate(left - 46, (height - MARGIN.bottom + MARGIN.top) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(yLabel, 0, 0);
    context.restore();
  }
}

export function range(from, to, by) {
  const values = [];
  for (let value = Math.ceil(from / by) * by; value <= to + 1e-9; value += by) values.push(value);
  return values;
}

/** A mark with a shape of its own for each outcome, so that colour is never alone. */
export function mark(context, outcome, x, y, r = 4) {
  context.lineWidth = 2;
  context.beginPath();
  if (outcome === "avoidance") {
    context.fillStyle = colour("--green");
    context.moveTo(x, y - r); context.lineTo(x + r, y + r); context.lineTo(x - r, y + r); context.fill();
  } else if (outcome === "escape" || outcome === "entered") {
    context.fillStyle = colour("--blue");
    context.arc(x, y, r, 0, 7); context.fill();
  } else if (outcome === "invalid") {
    context.strokeStyle = colour("--faint");
    context.arc(x, y, r, 0, 7); context.stroke();
  } else {
    context.strokeStyle = colour("--vermilion");
    context.moveTo(x - r, y - r); context.lineTo(x + r, y + r); context.moveTo(x + r, y - r); context.lineTo(x - r, y + r);
    context.stroke();
  }
}
