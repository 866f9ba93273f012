"use strict";
(() => {
  const root = document.documentElement;
  const SHORT = 10;

  // Theme: the system's until the reader chooses; a choice lasts where storage does.
  const theme = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const name = () => { theme.textContent = isDark() ? "Light theme" : "Dark theme"; };
  const stored = (value) => {
    try {
      if (value) localStorage.setItem("instant-logs-theme", value);
      return localStorage.getItem("instant-logs-theme");
    } catch { return null; }
  };
  const remembered = stored();
  if (remembered === "dark" || remembered === "light") root.dataset.theme = remembered;
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    stored(root.dataset.theme);
    name();
  });
  system.addEventListener("change", name);
  name();

  // Tables: a header sorts by its column; what is not known stays last.
  const key = (row, index) => {
    const cell = row.cells[index];
    if (cell.dataset.order !== undefined) return Number(cell.dataset.order);
    return ["–", "(none)"].includes(cell.textContent) ? null : cell.textContent;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  const sort = (table, index, direction) => {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [key(row, index), row]);
    rows.sort(([a], [b]) => (a === null) - (b === null) || (a === null ? 0 : direction * compare(a, b)));
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of document.querySelectorAll("table")) {
    const headers = Array.from(table.tHead.rows[0].cells);
    headers.forEach((header, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = header.textContent;
      header.replaceChildren(button);
      button.addEventListener("click", () => {
        const first = header.classList.contains("amount") ? "descending" : "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const order = header.ariaSort === first ? other : first;
        headers.forEach((one) => one.removeAttribute("aria-sort"));
        header.ariaSort = order;
        sort(table, index, order === "ascending" ? 1 : -1);
      });
    });
    const count = table.tBodies[0].rows.length;
    if (count > SHORT + 2) {
      const more = document.createElement("button");
      more.type = "button";
      more.className = "quiet-button more";
      const label = () => {
        const isShort = table.classList.contains("short");
        more.textContent = isShort ? `Show all ${count} rows` : `Show the first ${SHORT}`;
        more.ariaExpanded = String(!isShort);
      };
      table.classList.add("short");
      more.addEventListener("click", () => { table.classList.toggle("short"); label(); });
      label();
      table.parentElement.after(more);
    }
  }

  // Charts: what a mark stands for, under the pointer.
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);
  const show = (event) => {
    const text = event.target.closest?.(".drawing svg [aria-label]")?.getAttribute("aria-label");
    tip.hidden = !text;
    if (tip.hidden) return;
    tip.textContent = text;
    const left = Math.min(event.pageX + 12, root.scrollLeft + root.clientWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${event.pageY + 16}px`;
  };
  document.addEventListener("pointermove", show, { passive: true });
  document.addEventListener("pointerdown", show, { passive: true });

  // Paper shows what is folded away.
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll(".capture")) one.open = true;
  });
})();
