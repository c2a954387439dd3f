"use strict";
// Shows the quotes that fit the choices. Without it the page is whole, and all quotes are shown.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
(() => {
  const form = document.getElementById("voice-filter");
  if (!form) return;
  const quotes = [...document.querySelectorAll("#voice-list .quote")];
  const shown = document.getElementById("voice-shown");
  const none = document.getElementById("voice-none");
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/ς/g, "σ").replace(/ł/g, "l");
  const texts = quotes.map((quote) => plain(quote.querySelector("blockquote").textContent));
  const chosen = (name) => form.elements[name].value;
  const apply = () => {
    const words = plain(chosen("words")).split(/\s+/).filter(Boolean);
    let count = 0;
    quotes.forEach((quote, place) => {
      const fits =
        ["touchpoint", "sentiment", "language"].every((name) => !chosen(name) || quote.dataset[name] === chosen(name)) &&
        words.every((word) => texts[place].includes(word));
      quote.hidden = !fits;
      count += fits ? 1 : 0;
    });
    document.querySelectorAll("#voice-list .voice").forEach((part) => {
      part.hidden = !part.querySelector(".quote:not([hidden])");
    });
    shown.textContent = shown.dataset.text.replace("{n}", count);
    none.hidden = count > 0;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
})();
