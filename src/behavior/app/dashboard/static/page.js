// What every page has: light or dark, a sentence at the foot, and requests that say what went wrong.

const THEMES = ["auto", "light", "dark"];

function setTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  dispatchEvent(new Event("themechange"));
}

export function stored(key, otherwise) {
  try { return localStorage.getItem(key) ?? otherwise; } catch { return otherwise; }
}

export function store(key, value) {
  try { localStorage.setItem(key, value); } catch { /* private window: not kept */ }
}

setTheme(stored("theme", "auto"));
document.getElementById("theme")?.addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(stored("theme", "auto")) + 1) % THEMES.length];
  store("theme", next);
  setTheme(next);
  say(`Colours: ${next === "auto" ? "as the system" : next}`);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));

/** "1 call", "2 calls". */
export const many = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

const colours = new Map();
const probe = document.body.appendChild(document.createElement("span"));
probe.hidden = true;
addEventListener("themechange", () => colours.clear());

/** A colour of the style sheet as a canvas takes it, by its token, as `--ink`. */
export function colour(name) {
  if (!colours.has(name)) {
    probe.style.color = `var(${name})`;
    colours.set(name, getComputedStyle(probe).color);
  }
  return colours.get(name);
}

let clearing;
/** Show a sentence at the foot of the page; errors stay until the next. */
export function say(sentence, { error = false } = {}) {
  const place = document.getElementById("said");
  clearTimeout(clearing);
  place.textContent = sentence;
  place.className = error ? "error" : "";
  if (sentence && !error) clearing = setTimeout(() => { place.textContent = ""; }, 4000);
}

/** POST JSON; the answer's JSON. Throws an Error with a sentence for a person. */
export async function post(address, body = {}) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The board does not answer; the sessions go on without it. Start it again.");
  }
  const text = await answer.text();
  let document_;
  try { document_ = JSON.parse(text); } catch { document_ = { error: text.trim() || `error ${answer.status}` }; }
  if (!answer.ok) throw new Error(document_.error ?? `error ${answer.status}`);
  return document_;
}

/** Make an element: `element("td", {class: "n"}, "text", child)`. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
