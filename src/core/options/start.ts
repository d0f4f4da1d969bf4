/** Checks the options of `start`. */
import { show } from "../show.js";
import { invalid, readOptions } from "./read.js";

export interface CheckedStart {
  mustConnect: boolean;
}

export function checkStart(options: unknown): CheckedStart {
  const { mustConnect = false } = readOptions(options, "start()", { names: ["mustConnect"] });
  if (typeof mustConnect === "boolean") return { mustConnect };
  throw invalid("start()", `mustConnect must be true or false, got ${show(mustConnect)}`, {
    fix: "use true to reject when the store cannot be reached",
    value: mustConnect,
  });
}
