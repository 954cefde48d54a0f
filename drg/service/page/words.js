// The words of the page, from the server's catalogue; Chinese unless English is chosen.

import { ask } from "./api.js";

let words = {};
let chosen = "zh";

/** The language in use: "zh" or "en". */
export const language = () => chosen;

/** Loads the words of a language. */
export async function speak(lang) {
  words = await ask("/texts", { query: { lang } });
  chosen = lang;
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
}

/** A wording with its values filled in: t("days", {n: 3}). */
export function t(key, values = {}) {
  const wording = words[`page_${key}`];
  if (wording === undefined) throw new Error(`no wording page_${key}`);
  return wording.replace(/\{(\w+)\}/g, (whole, name) =>
    name in values ? String(values[name]) : whole,
  );
}

/** Whether the catalogue has a wording. */
export const known = (key) => `page_${key}` in words;
