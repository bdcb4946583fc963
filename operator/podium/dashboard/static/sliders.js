"use strict";
// The value beside each slider follows it. Without this it is the one that was asked for last.
const told = (slider) => {
  const text = document.getElementById(slider.getAttribute("list"))?.options[slider.value]?.label;
  const output = document.querySelector(`output[for="${slider.id}"]`);
  if (text === undefined || output === null) return;
  output.textContent = text;
  slider.setAttribute("aria-valuetext", text);
};
document.addEventListener("input", ({ target }) => { if (target.type === "range") told(target); });
window.addEventListener("pageshow", () => { document.querySelectorAll("input[type=range]").forEach(told); });
