// Search of codes as you type: an ARIA combobox with a list below it. ↑ ↓ choose, Enter takes, Esc
// closes. Several codes at once (blanks, commas or | between) are all taken.

import { ask } from "./api.js";
import { announce, calm, el } from "./dom.js";
import { inWords } from "./pieces.js";
import { state } from "./store.js";
import { t } from "./words.js";

const MOST = 20;
const PAUSE = 120;
const CODE = /^[A-Za-z]\d|^\d\d(\.|$)/;

/** Names of codes that are entered as they are written: the spelling stays, whatever is found. One
 * that could not be asked for keeps an empty name; `unknown` is in no list, `insurance` is what a
 * code stands for that the clinical edition alone has. */
export async function nameCodes(kind, entries) {
  await Promise.all(
    entries
      .filter((entry) => !entry.name)
      .map(async (entry) => {
        const query = { q: entry.code, kind, scheme: state.scheme, limit: 5 };
        const found = await ask("/codes", { query }).catch(() => null);
        if (!found) return;
        const same = found.find((row) => row.code.toLowerCase() === entry.code.toLowerCase());
        if (!same) entry.unknown = true;
        else entry.name = same.name;
        if (same && !same.insurance) entry.insurance = same.insurance_code || "—";
      }),
  );
  return entries;
}

/** Whether the case is coded in the clinical edition. */
export const clinical = () => state.codes === "clinical";

/** What a found code is entered as: itself, or what it stands for in the insurance edition. */
function entryOf(row) {
  if (clinical() || !row.insurance_code) return { code: row.code, name: row.name };
  return { code: row.insurance_code, name: row.insurance_name || row.name };
}

/** Codes of a text with several of them, in order. */
export function codesIn(text) {
  return text
    .split(/[|,;，；、\s]+/)
    .map((code) => code.trim())
    .filter(Boolean);
}

/** What else is to be known of a found code before it is taken. */
function tags(row) {
  const words = [];
  if (row.level) words.push(row.level);
  if (row.insurance_code && row.insurance_code !== row.code)
    words.push(
      t(clinical() ? "search_clinical" : "search_insurance", { code: row.insurance_code }),
    );
  if (row.known === false) words.push(t("search_unknown"));
  return words.map((word) => el("span", { class: "tag" }, word));
}

/** A search field for codes of a kind ("dx" or "px"); `taken(entries)` gets what was chosen. */
export function codeSearch(kind, label, taken) {
  const id = `search-${kind}-${Math.random().toString(36).slice(2, 8)}`;
  const input = el("input", {
    id,
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    class: "search",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": `${id}-list`,
    placeholder: t(kind === "dx" ? "search_dx_hint" : "search_px_hint"),
    "data-search": kind,
  });
  const list = el("ul", {
    id: `${id}-list`,
    role: "listbox",
    class: "options",
    "aria-label": label,
    hidden: true,
  });
  const told = el("p", { class: "hint bad", role: "alert", hidden: true });
  let rows = [];
  let active = -1;
  let asked = null;

  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const point = (number) => {
    active = rows.length ? (number + rows.length) % rows.length : -1;
    [...list.children].forEach((item, place) =>
      item.setAttribute("aria-selected", String(place === active)),
    );
    if (active < 0) return;
    list.children[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", list.children[active].id);
  };
  const take = (entries) => {
    if (!entries.length) return;
    if (asked) asked.abort();
    close();
    input.value = "";
    taken(entries);
    announce(t("added", { codes: entries.map((entry) => entry.code).join(" ") }));
  };
  const show = (found) => {
    rows = found;
    list.replaceChildren(
      ...(rows.length
        ? rows.map((row, number) =>
            el(
              "li",
              {
                id: `${id}-${number}`,
                role: "option",
                "aria-selected": "false",
                onmousedown: (event) => {
                  event.preventDefault();
                  take([entryOf(row)]);
                },
              },
              el("b", { class: "code" }, row.code),
              " ",
              row.name,
              tags(row),
            ),
          )
        : [el("li", { class: "none", role: "option", "aria-disabled": "true" }, t("search_none"))]),
    );
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    point(rows.length ? 0 : -1);
    announce(t("search_found", { n: rows.length }));
  };
  const look = calm(PAUSE, async () => {
    const q = input.value.trim();
    if (asked) asked.abort();
    if (!q) return close();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const found = await ask("/codes", {
        query: { q, kind, scheme: state.scheme, limit: MOST },
        signal,
      });
      told.hidden = true;
      if (!signal.aborted && document.activeElement === input) show(found);
    } catch (error) {
      if (error.name === "AbortError") return;
      close();
      const { what, mend } = inWords(error);
      told.textContent = [what, mend].filter(Boolean).join(" ");
      told.hidden = false;
    }
  });

  const enter = async () => {
    const written = codesIn(input.value);
    const fresh = !list.hidden && active >= 0;
    if (written.length > 1 && written.every((code) => CODE.test(code))) {
      take(
        await nameCodes(
          kind,
          written.map((code) => ({ code })),
        ),
      );
    } else if (fresh) {
      take([entryOf(rows[active])]);
    } else if (written.length === 1 && CODE.test(written[0])) {
      take(await nameCodes(kind, [{ code: written[0] }]));
    }
  };
  input.addEventListener("input", (event) => {
    if (!event.isComposing) look();
  });
  input.addEventListener("compositionend", look);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) look();
      else point(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      enter();
    } else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      close();
    } else if (event.key === "Escape") {
      input.value = "";
    }
  });
  return el(
    "div",
    { class: "combo" },
    el("label", { for: id, class: "quiet" }, label),
    input,
    list,
    told,
  );
}
