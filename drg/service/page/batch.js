// A whole file: sent once, its progress as it runs, its figures and charts, and the grouped file
// back. The file is offered only when it is whole and its digest agrees.

import { address, failure, Failure } from "./api.js";
import { announce, button, el } from "./dom.js";
import { count } from "./figures.js";
import { notice, problem } from "./pieces.js";
import { onChange, state } from "./store.js";
import { t } from "./words.js";

const FORMATS = ["", "csv", "xlsx", "parquet"];
// One of each for the life of the page: a file goes on while the language is changed.
const node = el("div", { class: "batch" });
const out = el("div", { class: "outcome", "aria-live": "polite" });
let format = "";
let file = null;
let running = null;
let link = "";

/** Events of an answer, one JSON object a line, as they come. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  const next = () =>
    reader.read().catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new Failure({ what: t("batch_broken"), mend: t("batch_again") });
    });
  let rest = "";
  for (;;) {
    const { value, done } = await next();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.trim()) yield JSON.parse(line);
  }
  if (rest.trim()) yield JSON.parse(rest);
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

/** Whether a file has the digest told; browsers have no digests on unsafe addresses: then true. */
async function agrees(blob, sha256) {
  if (!sha256 || !crypto.subtle) return true;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}

/** Charts made by the service, as nodes: neither scripts nor handlers are taken over. */
function charts(html) {
  const read = new DOMParser().parseFromString(html, "text/html");
  read
    .querySelectorAll(
      "script, style, link, iframe, object, embed, base, meta, title:not(svg title)",
    )
    .forEach((node) => node.remove());
  return el("section", { class: "report" }, el("h3", {}, t("charts")), ...read.body.childNodes);
}

/** Sends the file; `on` has progress, summary, charts and done. */
async function send(signal, on) {
  const query = {
    name: file.name,
    scheme: state.scheme,
    policy: state.policy || "none",
    format,
    codes: state.codes,
  };
  let answer;
  try {
    answer = await fetch(address("/batch/events", query), {
      method: "POST",
      body: file,
      signal,
      cache: "no-store",
      credentials: "omit",
      headers: { "Content-Type": "application/octet-stream", Accept: "application/x-ndjson" },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure({ code: "offline" });
  }
  if (!answer.ok) throw await failure(answer);
  const parts = [];
  let name = file.name;
  for await (const event of events(answer.body)) {
    if (event.event === "error") throw new Failure(event);
    if (event.event === "progress") on.progress(event.done, event.total);
    if (event.event === "summary") on.summary(event);
    if (event.event === "charts") on.charts(event.html);
    if (event.event === "file") {
      parts.push(bytesOf(event.base64));
      name = event.name;
    }
    if (event.event === "end") {
      const blob = new Blob(parts, { type: "application/octet-stream" });
      if (!(await agrees(blob, event.sha256)))
        throw new Failure({ what: t("batch_broken"), mend: t("batch_again") });
      return on.done(blob, name);
    }
  }
  throw new Failure({ what: t("batch_broken"), mend: t("batch_again") });
}

function formats() {
  return el(
    "div",
    { class: "choice" },
    el("label", { for: "format" }, t("batch_format")),
    el(
      "select",
      {
        id: "format",
        onchange: (event) => {
          format = event.target.value;
        },
      },
      FORMATS.map((name) =>
        el("option", { value: name, selected: name === format }, t(`format_${name || "same"}`)),
      ),
    ),
  );
}

/** The tab of files. */
export function batchTab() {
  const start = async () => {
    if (!file || running) return;
    if (link) URL.revokeObjectURL(link);
    link = "";
    const bar = el("progress", { id: "progress", "aria-label": t("batch_progress") });
    const said = el("p", { class: "said" }, t("batch_sending"));
    out.replaceChildren(bar, said);
    running = new AbortController();
    draw();
    document.getElementById("cancel").focus();
    const began = performance.now();
    try {
      await send(running.signal, {
        progress: (done, total) => {
          if (total) {
            bar.max = total;
            bar.value = done;
          }
          // With a policy every row counts twice: it is grouped, then priced.
          if (total) said.textContent = t("batch_percent", { n: Math.floor((done / total) * 100) });
        },
        summary: (event) =>
          out.append(
            el(
              "section",
              { class: "summary" },
              el("h3", {}, t("batch_summary")),
              el(
                "ul",
                {},
                (event.words || []).map((line) => el("li", {}, line)),
              ),
            ),
          ),
        charts: (html) => out.append(charts(html)),
        done: (blob, name) => {
          link = URL.createObjectURL(blob);
          bar.max = 1;
          bar.value = 1;
          const words = t("batch_done", {
            seconds: ((performance.now() - began) / 1000).toFixed(1),
          });
          said.textContent = words;
          out.querySelector(":scope > .notice")?.remove();
          said.after(
            el(
              "p",
              {},
              el(
                "a",
                { href: link, download: name, class: "main button", id: "download" },
                t("batch_download", { name }),
              ),
            ),
          );
          announce(words);
        },
      });
    } catch (error) {
      out.replaceChildren(
        error.name === "AbortError" ? notice("", t("batch_cancelled")) : problem(error),
      );
    }
    running = null;
    draw();
    (document.getElementById("download") || document.getElementById("start")).focus();
  };
  const choose = (found) => {
    if (!found) return;
    if (running) {
      const words = t("batch_busy", { name: file.name });
      out.querySelector(":scope > .notice")?.remove();
      out.prepend(notice("", words));
      announce(words);
      return;
    }
    file = found;
    out.replaceChildren();
    draw();
    document.getElementById("start").focus();
  };
  const numbers = el("div", {});
  const drawNumbers = () => {
    const any = state.numbers.some((row) => row.path && row.value);
    numbers.replaceChildren(...(any ? [notice("", t("batch_numbers"))] : []));
  };
  const draw = () => {
    const input = el("input", {
      id: "file",
      type: "file",
      class: "quiet",
      disabled: running !== null,
      accept: ".csv,.tsv,.txt,.xlsx,.parquet,.ndjson,.json",
      onchange: (event) => choose(event.target.files[0]),
    });
    const zone = el(
      "label",
      { class: "drop", for: "file" },
      el("b", {}, file ? file.name : t("batch_drop")),
      el(
        "span",
        {},
        file ? t("batch_size", { size: count(Math.ceil(file.size / 1024)) }) : t("batch_kinds"),
      ),
      input,
    );
    for (const name of ["dragover", "dragenter"]) {
      zone.addEventListener(name, (event) => {
        event.preventDefault();
        zone.classList.add("over");
      });
    }
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      choose(event.dataTransfer.files[0]);
    });
    node.replaceChildren(
      el("p", {}, t("batch_lead")),
      numbers,
      zone,
      formats(),
      el(
        "p",
        { class: "actions" },
        button(t("batch_start"), start, {
          class: "main",
          id: "start",
          disabled: !file || running !== null,
        }),
        button(t("batch_cancel"), () => running && running.abort(), {
          id: "cancel",
          disabled: running === null,
        }),
      ),
      out,
    );
  };
  draw();
  drawNumbers();
  onChange(drawNumbers);
  return { node };
}
