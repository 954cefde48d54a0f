// The page: language, tabs, shortcuts.

import { ask } from "./api.js";
import { batchTab } from "./batch.js";
import { answered, caseTab, drawAnswer, drawForm, drawTold, explain, group, paste, pasting } from "./case.js";
import { button, el } from "./dom.js";
import { problem } from "./pieces.js";
import { scenarioTab } from "./scenarios.js";
import { choosePolicy, settingBar } from "./setting.js";
import { onChange, state } from "./store.js";
import { language, speak, t } from "./words.js";

const TABS = ["case", "scenarios", "batch"];
const app = document.getElementById("app");
const parts = {};
let tab = "case";

function show(name, focus = false) {
  tab = name;
  for (const one of TABS) {
    const button = document.getElementById(`tab-${one}`);
    button.setAttribute("aria-selected", String(one === name));
    button.tabIndex = one === name ? 0 : -1;
    document.getElementById(`panel-${one}`).hidden = one !== name;
  }
  if (focus) document.getElementById(`tab-${name}`).focus();
}

function toScenarios() {
  show("scenarios");
  parts.scenarios.run();
  document.getElementById("simulate").focus();
}

function tabs() {
  const step = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    show(TABS[(TABS.indexOf(tab) + by + TABS.length) % TABS.length], true);
  };
  return el(
    "div",
    { role: "tablist", class: "tabs", "aria-label": t("title"), onkeydown: step },
    TABS.map((name) =>
      button(t(`tab_${name}`), () => show(name), {
        role: "tab",
        id: `tab-${name}`,
        "aria-controls": `panel-${name}`,
      }),
    ),
  );
}

function shortcuts(event) {
  if (event.isComposing) return;
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Enter" && event.ctrlKey) {
    event.preventDefault();
    if (event.shiftKey) toScenarios();
    else if (tab === "scenarios") parts.scenarios.run();
    else if (tab === "case") explain();
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.altKey && !pasting()) {
    event.preventDefault();
    document.querySelector(`#panel-${tab === "scenarios" ? "scenarios" : "case"} .search`)?.focus();
  }
}

function pasted(event) {
  if (tab !== "case" || pasting() || event.target.closest("input, textarea")) return;
  const text = event.clipboardData.getData("text/plain");
  if (!text.trim()) return;
  event.preventDefault();
  paste(text);
}

async function turn() {
  try {
    await load(language() === "zh" ? "en" : "zh");
  } catch (error) {
    parts.trouble.replaceChildren(problem(error));
    return;
  }
  document.getElementById("language").focus();
  if (answered()) explain();
  if (parts.scenarios.asked()) parts.scenarios.run();
  group();
}

function build() {
  document.title = t("title");
  parts.trouble = el("div", {});
  parts.setting = settingBar();
  parts.scenarios = scenarioTab();
  const oneCase = caseTab({ toScenarios, drawSetting: () => parts.setting.draw() });
  const panel = (name, node) =>
    el("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}` }, node);
  app.replaceChildren(
    el(
      "header",
      {},
      el("h1", {}, t("title")),
      tabs(),
      button(t("print"), () => window.print(), { class: "plain", id: "print" }),
      button(t("other_language"), turn, {
        class: "plain",
        id: "language",
        lang: language() === "zh" ? "en" : "zh-CN",
      }),
    ),
    parts.trouble,
    el("p", { class: "standing" }, t("notice")),
    parts.setting.node,
    el(
      "main",
      {},
      panel("case", oneCase.node),
      panel("scenarios", parts.scenarios.node),
      panel("batch", batchTab().node),
    ),
    el("footer", {}, el("p", {}, t("keys")), el("p", {}, t("private"))),
    oneCase.dialog,
    el("div", { id: "announcer", class: "quiet", "aria-live": "polite" }),
  );
  show(tab);
  drawTold();
  drawAnswer();
}

/** Loads a language with all lists that are worded in it, and builds the page. */
async function load(lang) {
  await speak(lang);
  const lists = await Promise.all(
    ["/fields", "/schemes", "/policies", "/rules"].map((path) => ask(path)),
  );
  [state.fields, state.schemes, state.policies, state.ruleSets] = lists;
  build();
}

/** Begins with what the service was started with. */
async function begin() {
  try {
    const health = await ask("/health");
    Object.assign(state, { scheme: health.scheme || "", policy: health.policy || "" });
    await load("zh");
    state.rules = state.ruleSets.some((row) => row.id === "national") ? "national" : "";
    if (state.policy) choosePolicy(state.policy);
    parts.setting.draw();
  } catch (error) {
    document
      .getElementById("opening")
      .append(document.createElement("br"), error.what || error.message);
    throw error;
  }
  onChange((what) => {
    if (what === "edition") drawForm();
    if (answered()) drawAnswer(null, true);
    group();
  });
  document.addEventListener("keydown", shortcuts);
  document.addEventListener("paste", pasted);
  // A file dropped beside its place must not replace the page.
  for (const name of ["dragover", "drop"])
    document.addEventListener(name, (event) => event.preventDefault());
  document.getElementById("opening").remove();
  app.hidden = false;
  document.querySelector("#panel-case .search").focus();
}

begin();
