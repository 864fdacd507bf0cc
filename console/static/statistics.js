// Meanings of figures stay within the window and are put away with Escape; a date that is chosen is a period.
for (const means of document.querySelectorAll(".means")) {
  const tip = means.querySelector(".tip");
  const place = () => {
    means.classList.remove("put-away");
    const name = means.getBoundingClientRect();
    // Fixed, so that a frame that scrolls does not cut it off.
    tip.style.position = "fixed";
    const left = Math.min(name.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
    const below = name.bottom + tip.offsetHeight < window.innerHeight;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${below ? name.bottom : Math.max(8, name.top - tip.offsetHeight)}px`;
  };
  means.addEventListener("mouseenter", place);
  means.addEventListener("focusin", place);
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const means of document.querySelectorAll(".means")) means.classList.add("put-away");
});
for (const form of document.querySelectorAll("form[data-question]")) {
  for (const name of ["from", "to"]) {
    form.elements[name].addEventListener("change", () => {
      form.elements.span.value = "chosen";
    });
  }
}
