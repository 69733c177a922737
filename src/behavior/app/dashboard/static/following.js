// An event stream that says when it is cut: the server sends a breath each second, and 2 s of silence are a loss.
// A page that nobody sees lets go of it: a browser has six connections to one place, and a stop must find one free.

export function follow(address, take, { onLink = () => {} } = {}) {
  let source, heard = performance.now(), up = null;
  const link = (state) => { if (state !== up) { up = state; onLink(state); } };
  const open = () => {
    source?.close();
    heard = performance.now();
    source = new EventSource(address);
    source.onmessage = (event) => { heard = performance.now(); link(true); take(JSON.parse(event.data)); };
    source.addEventListener("breath", () => { heard = performance.now(); link(true); });
    source.onerror = () => { if (performance.now() - heard > 1000) link(false); };
  };
  open();
  document.addEventListener("visibilitychange", () => { if (document.hidden) source.close(); else open(); });
  const watching = setInterval(() => {
    if (document.hidden) return;
    const silence = performance.now() - heard;
    if (silence > 2000) link(false);
    if (silence > 4000) open();
  }, 250);
  addEventListener("pagehide", () => { clearInterval(watching); source.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

export function clock(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${two(Math.floor(s / 60))}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

export const STATES = {
  running: "running", starting: "starting…", silent: "no sign of life", died: "engine died", ended: "ended",
  unclosed: "never closed", empty: "empty",
};
