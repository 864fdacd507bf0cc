// A form that goes on by itself; its button is there for who has no script.
document.querySelector("form[data-submit]").requestSubmit();
