// Runs beside the program, between it and the files that it loads.
import { appendFileSync } from "node:fs";

let path;

export function initialize(given) {
  path = given;
}

export function load(url, context, next) {
  appendFileSync(path, `${url}\n`);
  return next(url, context);
}
