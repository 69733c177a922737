// The questions of a start. Nothing is preselected, also not by the browser after a reload or a step back.

import { post } from "/static/page.js";

const form = document.getElementById("start");
const wrong = document.getElementById("wrong");
const paradigm = form.elements.paradigm;
const parameters = form.elements.parameters;

function fitting() {
  for (const option of parameters.options) {
    option.hidden = option.disabled = Boolean(option.dataset.paradigm) && option.dataset.paradigm !== paradigm.value;
  }
  if (parameters.selectedOptions[0]?.disabled) parameters.value = "";
  document.getElementById("master-question").hidden = paradigm.value !== "helplessness_induction";
}

form.reset();
addEventListener("pageshow", () => { form.reset(); fitting(); });
paradigm.addEventListener("change", fitting);
fitting();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  button.textContent = "Starting…";
  wrong.textContent = "";
  try {
    await post("/start", { chamber: form.dataset.chamber, ...Object.fromEntries(new FormData(form)) });
    location.assign("/");
  } catch (error) {
    wrong.textContent = error.message;
    button.disabled = false;
    button.textContent = "Start";
    wrong.scrollIntoView({ block: "center" });
  }
});
