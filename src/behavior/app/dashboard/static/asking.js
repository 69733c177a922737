// What is asked of sessions from a page: each stop is confirmed once; a note is written and sent.

import { post, say } from "/static/page.js";

function answered(dialog) {
  return new Promise((resolve) => {
    const done = (value) => { dialog.close(); resolve(value); };
    dialog.querySelectorAll("button[type=button]").forEach((button) => { button.onclick = () => done(button.value); });
    dialog.oncancel = () => resolve("cancel");
    const form = dialog.querySelector("form");
    if (form) form.onsubmit = (event) => { event.preventDefault(); done("note"); };
    dialog.showModal();
  });
}

async function sent(address, body) {
  try {
    say((await post(address, body)).said);
  } catch (error) {
    say(error.message, { error: true });
  }
}

const encoded = (session) => session.split("/").map(encodeURIComponent).join("/");
const addressOf = (session, what) => `/live/${encoded(session)}/${what}`;

export async function askStop(card) {
  const dialog = document.getElementById("ask-stop");
  dialog.querySelector("h2").textContent = `Stop ${card.subject} in chamber ${card.chamber}?`;
  dialog.querySelector("#ask-stop-text").textContent = `${card.paradigm}, ${card.where || "before the first trial"}.`;
  if (await answered(dialog) === "stop") await sent(addressOf(card.session, "stop"));
}

export async function askStopAll(cards) {
  const dialog = document.getElementById("ask-stop");
  dialog.querySelector("h2").textContent = cards.length === 1 ? "Stop the session?" : `Stop all ${cards.length} sessions?`;
  dialog.querySelector("#ask-stop-text").textContent = cards.map((card) => `${card.chamber}: ${card.subject}`).join(" · ");
  if (await answered(dialog) === "stop") await sent("/stop");
}

export async function askNote(card) {
  const dialog = document.getElementById("ask-note");
  const text = dialog.querySelector("textarea");
  dialog.querySelector("h2").textContent = `Note on ${card.subject} in chamber ${card.chamber}`;
  text.value = "";
  if (await answered(dialog) === "note" && text.value.trim()) await sent(addressOf(card.session, "note"), { text: text.value });
}

export const liveAddress = (session) => `/live/${encoded(session)}`;
export const finishedAddress = (session) => `/session/${encoded(session)}`;
