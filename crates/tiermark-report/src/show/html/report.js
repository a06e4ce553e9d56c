"use strict";
// Everything here is a convenience: the page is whole without it.
(() => {
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.hidden = false;
  name();
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; name(); });

  const value = (row, column) => {
    const cell = row.children[column];
    if (!cell) return null;
    const by = cell.dataset.by;
    return by === undefined ? cell.textContent.trim() : Number(by);
  };
  const compare = (a, b) => {
    const missing = (x) => x === null || x === "" || x === "–";
    if (missing(a) || missing(b)) return missing(a) - missing(b);
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "number") return -1;
    if (typeof b === "number") return 1;
    return a.localeCompare(b, "en", { numeric: true });
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.tabIndex = 0;
      head.setAttribute("aria-sort", "none");
      head.title = "Sort";
      const sort = () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows];
        const present = (row) => { const v = value(row, column); return !(v === null || v === "" || v === "–"); };
        rows.sort((a, b) => {
          // What has no number comes last, whichever way is sorted.
          if (present(a) !== present(b)) return present(a) ? -1 : 1;
          return (down ? -1 : 1) * compare(value(a, column), value(b, column));
        });
        body.append(...rows);
      };
      head.addEventListener("click", sort);
      head.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(); }
      });
    });
    if (body.rows.length < 8) continue;
    const filter = document.createElement("input");
    filter.className = "filter";
    filter.type = "search";
    filter.placeholder = "Filter rows";
    filter.setAttribute("aria-label", "Filter rows: " + (table.caption ? table.caption.textContent : "table"));
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    table.parentElement.before(filter);
  }

  // A link into a folded part opens it.
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
  for (const link of document.querySelectorAll("nav ul a")) link.addEventListener("click", () => { link.closest("details").open = false; });
  addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details.charts")) part.open = true; });

  const downloads = document.getElementById("downloads");
  if (!downloads) return;
  downloads.hidden = false;
  const unpacked = (text, how) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream(how))).blob();
  };
  downloads.addEventListener("click", async (event) => {
    const { kind, of } = event.target.dataset;
    if (!kind) return;
    const source = document.getElementById(of);
    const { packed } = source.dataset;
    const blob = packed ? await unpacked(source.textContent, packed) : new Blob([source.textContent]);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${document.title.replace(/\s+/g, "-")}-${of}.${kind}`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
})();
