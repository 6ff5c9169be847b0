"use strict";
const chart = document.querySelector(".chart");
const zoom = document.querySelector("#zoom");
const find = document.querySelector("#find");
const told = document.querySelector("#told");
const bars = [...document.querySelectorAll(".bar")];
const tell = (event) => {
  const one = event.target.closest("[title]");
  if (one) told.textContent = one.title;
};
zoom.addEventListener("input", () => {
  const middle = (chart.scrollLeft + chart.clientWidth / 2) / chart.scrollWidth;
  chart.style.setProperty("--scale", Math.exp(Number(zoom.value)));
  chart.scrollLeft = middle * chart.scrollWidth - chart.clientWidth / 2;
});
find.addEventListener("input", () => {
  for (const bar of bars) bar.classList.toggle("off", !bar.dataset.build.includes(find.value.trim()));
  const first = find.value.trim() && bars.find((bar) => !bar.classList.contains("off"));
  if (first) chart.scrollLeft = first.offsetLeft - chart.clientWidth / 3;
});
chart.addEventListener("pointerover", tell);
chart.addEventListener("focusin", tell);
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
