// The sound of a session: a spectrogram that moves on while it is recorded, or that can be moved through afterwards.
// Columns come as bytes and are kept as one long picture; calls are drawn over it.

import { colour } from "/static/page.js";
import { MARGIN, axes, begin, range, timeStep, timeText } from "/static/plot.js";

const COLUMN_US = 10000;

/** A colour map that also reads in grey: dark blue over green to yellow (after viridis). */
const MAP = (() => {
  const stops = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const map = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const at = i / 255 * (stops.length - 1), k = Math.min(stops.length - 2, Math.floor(at)), f = at - k;
    const [r, g, b] = stops[k].map((value, c) => Math.round(value + f * (stops[k + 1][c] - value)));
    map[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return map;
})();

export async function columnsOf(session, file, first, n, columnUs = COLUMN_US) {
  const place = session.split("/").map(encodeURIComponent).join("/");
  const answer = await fetch(`/sound/${place}?file=${encodeURIComponent(file)}&first=${first}&n=${n}&column_us=${columnUs}`);
  if (!answer.ok) throw new Error((await answer.json()).error);
  const rows = Number(answer.headers.get("x-rows"));
  return {
    rows, first, topHz: Number(answer.headers.get("x-top-hz")), available: Number(answer.headers.get("x-columns")),
    pixels: new Uint8Array(await answer.arrayBuffer()),
  };
}

/** Draw columns into a picture as wide as there are, low frequencies below. */
export function picture(part) {
  const n = part.pixels.length / part.rows;
  const canvas = new OffscreenCanvas(Math.max(1, n), part.rows);
  const context = canvas.getContext("2d");
  const image = context.createImageData(Math.max(1, n), part.rows);
  const out = new Uint32Array(image.data.buffer);
  for (let i = 0; i < n; i++) for (let row = 0; row < part.rows; row++) {
    out[(part.rows - 1 - row) * n + i] = MAP[part.pixels[i * part.rows + row]];
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** A spectrogram on `canvas` of [startS, startS + spanS) of the recording, from pictures with their first column. */
export function draw(canvas, parts, boxes, { startS, spanS, topHz, zeroS = 0 }) {
  const paper = begin(canvas), { context, width, height } = paper;
  const x = (s) => MARGIN.left + (width - MARGIN.left - MARGIN.right) * (s - startS) / spanS;
  const y = (hz) => height - MARGIN.bottom - (height - MARGIN.bottom - MARGIN.top) * hz / topHz;
  context.save();
  context.beginPath();
  context.rect(MARGIN.left, MARGIN.top, width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom);
  context.clip();
  context.fillStyle = "rgb(68 1 84)";
  context.fillRect(MARGIN.left, MARGIN.top, width, height);
  context.imageSmoothingEnabled = false;
  for (const { first, image, columnS } of parts) {
    context.drawImage(image, x(first * columnS), MARGIN.top, x((first + image.width) * columnS) - x(first * columnS), y(0) - MARGIN.top);
  }
  for (const [kind, list] of Object.entries(boxes)) {
    context.setLineDash(kind === "rejected" ? [4, 3] : []);
    context.strokeStyle = "white";
    context.lineWidth = kind === "rejected" ? 1 : 2;
    for (const [onset, offset, low, high] of list) {
      if (offset < startS || onset > startS + spanS) continue;
      context.strokeRect(x(onset) - 2, y(high) - 3, Math.max(4, x(offset) - x(onset) + 4), y(low) - y(high) + 6);
    }
  }
  context.restore();
  axes(paper, {
    x, xs: range(Math.max(0, startS), startS + spanS, timeStep(spanS)), xText: (s) => timeText(s + zeroS),
    y, ys: range(0, topHz, 25000), yText: (hz) => String(hz / 1000), yLabel: "kHz", grid: false,
  });
}

/** Live: the last ten seconds, while the session records. `know` gives its card of the board and the calls so far. */
export function showSound(session, canvas, said, section, know) {
  const SPAN_S = 10;
  let file = null, next = null, parts = [], topHz = 125000, available = 0, asking = false;
  async function look() {
    const { card, calls } = know();
    if (asking || document.hidden || !card) return;
    if (card.sound !== file) { file = card.sound; next = null; parts = []; }
    section.hidden = !file;
    if (!file || !card.recording) return;
    asking = true;
    try {
      if (next === null) next = Math.max(0, (await columnsOf(session, file, 0, 1)).available - SPAN_S * 100);
      const part = await columnsOf(session, file, next, 1000);
      const n = part.pixels.length / part.rows;
      if (n) { parts.push({ first: next, image: picture(part), columnS: COLUMN_US / 1e6 }); next += n; }
      ({ topHz, available } = part);
      parts = parts.filter((one) => one.first + one.image.width > available - 1.5 * SPAN_S * 100);
      const boxes = calls.slice(-300).map(([at, duration, peak]) => {
        const onset = (at - card.sound_at_us) / 1e6;
        return [onset, onset + duration / 1e6, peak - 1500, peak + 1500];
      });
      draw(canvas, parts, { calls: boxes }, { startS: available / 100 - SPAN_S, spanS: SPAN_S, topHz });
      said.textContent = `${file} · ${calls.length} calls heard, boxed at their peak; the whole is searched when the session is over`;
      canvas.dataset.calls = calls.length;
      canvas.dataset.columns = available;
    } catch (error) {
      said.textContent = error.message;
    } finally {
      asking = false;
    }
  }
  setInterval(look, 250);
}
