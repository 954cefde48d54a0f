// An ordered list of codes, the principal first. One stop of Tab: ↑ ↓ walk, Alt+↑ ↓ move a code,
// Home makes it the principal, Delete takes it out; the same by buttons.

import { announce, el, signButton } from "./dom.js";
import { clinical, codeSearch } from "./search.js";
import { changed, state } from "./store.js";
import { t } from "./words.js";

/** The list of `diagnoses` or `procedures` with its search field. */
export function codeList(name) {
  const kind = name === "diagnoses" ? "dx" : "px";
  const title = t(name);
  const heading = el("h3", { id: `${name}-title` });
  const list = el("ol", { class: "codes", "aria-labelledby": `${name}-title`, "data-field": name });
  let current = 0;

  const entries = () => state.case[name];
  const move = (from, to) => {
    if (to < 0 || to >= entries().length || from === to) return;
    const [entry] = entries().splice(from, 1);
    entries().splice(to, 0, entry);
    current = to;
    draw(true);
    changed("case");
    announce(t("moved", { code: entry.code, n: to + 1 }));
  };
  const drop = (place) => {
    const [entry] = entries().splice(place, 1);
    current = Math.min(place, Math.max(entries().length - 1, 0));
    draw(true);
    changed("case");
    announce(t("removed", { code: entry.code }));
  };
  const pressed = (event, place) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.ctrlKey || event.metaKey) return;
    if (step && event.altKey) move(place, place + step);
    else if (step) focus(place + step);
    else if (event.key === "Home") move(place, 0);
    else if (event.key === "Delete") drop(place);
    else return;
    event.preventDefault();
  };
  const focus = (place) => {
    const item = list.children[place];
    if (!item) return;
    current = place;
    [...list.children].forEach((other, number) => {
      other.tabIndex = number === place ? 0 : -1;
    });
    item.focus();
  };
  const button = (sign, words, act, off) =>
    signButton(sign, words, act, { tabindex: "-1", disabled: off });
  const unread = (entry) =>
    entry.unknown
      ? t("code_unknown")
      : entry.insurance && !clinical() && t("code_clinical", { code: entry.insurance });
  const row = (entry, place) =>
    el(
      "li",
      {
        tabindex: place === current ? "0" : "-1",
        class: place === 0 ? "principal" : null,
        "aria-keyshortcuts": "Alt+ArrowUp Alt+ArrowDown Home Delete",
        onkeydown: (event) => pressed(event, place),
        onfocus: () => {
          current = place;
        },
      },
      el("span", { class: "place" }, place === 0 ? t("principal_mark") : String(place + 1)),
      el("b", { class: "code" }, entry.code),
      el(
        "span",
        { class: unread(entry) ? "name unknown" : "name", title: unread(entry) || entry.name },
        unread(entry) || entry.name || "",
      ),
      el(
        "span",
        { class: "buttons" },
        button("⇤", t("make_principal"), () => move(place, 0), place === 0),
        button("↑", t("move_up"), () => move(place, place - 1), place === 0),
        button("↓", t("move_down"), () => move(place, place + 1), place === entries().length - 1),
        button("×", t("remove"), () => drop(place)),
      ),
    );
  const draw = (keep = false) => {
    heading.textContent = t("codes_title", { title, n: entries().length });
    list.replaceChildren(...entries().map(row));
    list.hidden = entries().length === 0;
    if (keep && list.children[current]) list.children[current].focus();
  };
  const search = codeSearch(kind, t(kind === "dx" ? "search_dx" : "search_px"), (found) => {
    entries().push(...found);
    draw();
    changed("case");
  });
  draw();
  return el("section", { class: "coded" }, heading, list, search);
}
