// Start: unpack, draw, listen.

async function start() {
  const run = openRun(await unpack("data"));
  const app = startApp(run);
  listen(app);
  addEventListener("hashchange", () => app.goTo(address.read()));
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(app.redraw, 120);
  });
  // Two frames later the first picture is on the screen.
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("report-drawn")));
}

theme.restore();
start().catch((error) => {
  const hint = "This report could not be opened. It needs a browser of 2024 or later (Chrome 123, Firefox 120, Safari 17.5).";
  document.body.append(el("p", { class: "broken" }, `${hint} ${error}`));
});
