// Requests to the server this page came from; every failure has what went wrong and the mend.

import { language } from "./words.js";

/** An error of the service, or of the way to it. */
export class Failure extends Error {
  constructor({ code = "", what = "", where = "", mend = "" }) {
    super(what);
    Object.assign(this, { code, what, where, mend });
  }
}

/** Address of a path with its query; the language goes with it. */
export function address(path, query = {}) {
  const pairs = Object.entries({ lang: language(), ...query }).filter(
    ([, value]) => value !== "" && value !== null && value !== undefined,
  );
  return `${path}?${new URLSearchParams(pairs)}`;
}

/** The Failure of an answer that is not fine. */
export async function failure(answer) {
  const told = await answer.json().catch(() => null);
  return new Failure(
    told && told.what ? told : { code: String(answer.status), what: answer.statusText },
  );
}

/** GET, or POST of a JSON body; the answer's JSON. Throws Failure, or AbortError when given up. */
export async function ask(path, { query = {}, body, signal } = {}) {
  const options = { signal, cache: "no-store", credentials: "omit" };
  if (body !== undefined) {
    Object.assign(options, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
    });
  }
  let answer;
  try {
    answer = await fetch(address(path, query), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure({ code: "offline" });
  }
  if (!answer.ok) throw await failure(answer);
  return answer.json();
}
