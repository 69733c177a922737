// Two raters side by side: whose calls the session is scored with.

import { post, say } from "/static/page.js";

const file = document.getElementById("compare").dataset.file;
const address = `/review/${file.split("/").map(encodeURIComponent).join("/")}`;
for (const button of document.querySelectorAll("button.use")) {
  button.addEventListener("click", async () => {
    try {
      say((await post(`${address}/use`, { rater: button.dataset.rater })).said);
    } catch (error) {
      say(error.message, { error: true });
    }
  });
}
