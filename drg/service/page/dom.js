// Elements without templates: text is always text, so nothing of a claim is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(
    ...children
      .flat(Infinity)
      .filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

/** An element with attributes (`on…`: a listener; null and false: left out) and children. */
export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** A button with its words, and what it does. */
export const button = (words, act, attributes) =>
  el("button", { type: "button", onclick: act, ...attributes }, words);

/** A small button of a sign that words name. */
export const signButton = (sign, words, act, attributes) =>
  button(sign, act, { class: "small", title: words, "aria-label": words, ...attributes });

/** A table: heads and rows of cells; a cell is text, nodes, or {cell, …attributes}. */
export function table(heads, rows, attributes) {
  const cells = (tag, row) =>
    row.map((value) => {
      if (
        value === null ||
        typeof value !== "object" ||
        value instanceof Node ||
        Array.isArray(value)
      ) {
        return el(tag, tag === "th" ? { scope: "col" } : {}, value);
      }
      const { cell, ...rest } = value;
      return el(rest.scope ? "th" : tag, rest, cell);
    });
  return el(
    "table",
    attributes,
    heads ? el("thead", {}, el("tr", {}, cells("th", heads))) : null,
    el(
      "tbody",
      {},
      rows.map((row) => el("tr", row.attributes || {}, cells("td", row.cells || row))),
    ),
  );
}

/** Says a sentence to screen readers, without moving the focus. */
export function announce(words) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = words;
}

/** Runs a function once a flow of calls has paused. */
export function calm(milliseconds, then) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => then(...given), milliseconds);
  };
}
