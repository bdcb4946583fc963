"use strict";
// Parts of the page that changed, as the server sends them. Without this the page is whole, and stays as it was.
const state = document.getElementById("live");
const events = new EventSource(document.body.dataset.live);

const parsed = (html) => {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content.firstElementChild;
};

// Who reads on with the keyboard stays where they were, what was opened stays open, and what was written stays there.
const reached = "a, button, input:not([type=hidden]), summary, [tabindex]";
const replaced = (old, part) => {
  const focus = old.contains(document.activeElement) ? document.activeElement : null;
  const at = focus === null ? -1 : [...old.querySelectorAll(reached)].indexOf(focus);
  const open = new Set([...old.querySelectorAll("details[open]")].map((one) => one.id));
  for (const one of part.querySelectorAll("details")) one.open = open.has(one.id);
  for (const one of part.querySelectorAll("input[id]")) one.value = document.getElementById(one.id)?.value ?? one.value;
  old.replaceWith(part);
  for (const one of part.querySelectorAll("input[type=range]")) one.dispatchEvent(new Event("input", { bubbles: true }));
  if (at >= 0) part.querySelectorAll(reached)[at]?.focus();
};

events.addEventListener("page", (event) => {
  const { order, parts } = JSON.parse(event.data);
  for (const [id, html] of Object.entries(parts)) {
    const old = document.getElementById(id);
    const part = parsed(html);
    if (old !== null && !old.isEqualNode(part)) replaced(old, part);
  }
  for (const [region, ids] of Object.entries(order)) {
    const box = document.getElementById(region);
    const there = ids.map((id) => document.getElementById(id) ?? parsed(parts[id]));
    if (there.some((part, index) => box.children[index] !== part) || box.children.length !== there.length) {
      box.replaceChildren(...there);
    }
  }
});
events.onopen = () => { state.textContent = "Live"; };
events.onerror = () => {
  state.textContent = events.readyState === EventSource.CLOSED ? "Not live: reload the page" : "Not live: connecting again";
};
