// The keyboard: everything a mouse can do here.

/** Listen for keys for as long as the page lives. */
function listen(app) {
  const arrows = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };
  const letters = {
    "/": () => (app.search.focus(), app.search.select()),
    "?": () => app.help(),
    1: () => app.show("tree"),
    2: () => app.show("icicle"),
    3: () => app.show("table"),
    a: () => app.run.answer !== null && app.select(app.run.answer),
    d: () => theme.toggle(),
    f: () => app.state.view === "tree" && app.fit(),
    n: () => app.nextHit(1),
    N: () => app.nextHit(-1),
    "+": () => app.zoom(app.state.zoom * 1.25),
    "-": () => app.zoom(app.state.zoom / 1.25),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const { target, key } = event;
    if (target === app.search) return searchKey(app, event);
    // Inside the panel, arrows scroll and Enter works the focused control.
    const inside = target.closest?.(".details, button, a, summary");
    if (key === "Escape") return escape(app);
    if (arrows[key] && !inside) app.move(arrows[key]);
    else if (key === "Enter" && !inside) app.fold(app.state.node);
    else if (letters[key]) letters[key]();
    else return;
    event.preventDefault();
  });
}

function searchKey(app, event) {
  if (event.key === "Enter") app.nextHit(event.shiftKey ? -1 : 1);
  else if (event.key === "Escape") {
    clearSearch(app);
    app.search.blur();
  }
}

function clearSearch(app) {
  app.search.value = "";
  app.find("");
}

function escape(app) {
  const { state } = app;
  if (app.hits) clearSearch(app);
  else if (state.view === "icicle" && state.inside) app.fold(state.inside);
  else document.querySelector(".view").focus();
}
