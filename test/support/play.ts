/** Plays a vector of protocol/cases against a store; protocol/cases/README.md explains them. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Store } from "../../src/store/contract.js";
import type { Scene } from "../contract/scene.js";

export interface Vector {
  name: string;
  since: number;
  steps: readonly Step[];
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Fields = { [key: string]: Json };

interface Step {
  op?: string;
  by?: string;
  args?: Fields;
  expect?: Json;
  advance?: number;
  pass?: number;
  jump?: number;
}

const CASES = new URL("../../protocol/cases/", import.meta.url);

export function readVectors(name: string): Vector[] {
  return readJson(`${name}.json`) as unknown as Vector[];
}

function readJson(file: string): Json {
  return JSON.parse(readFileSync(new URL(file, CASES), "utf8")) as Json;
}

const DEFAULTS = readJson("store-defaults.json") as Record<string, Fields>;

/** Which parts of a verb's arguments have defaults of their own, by the default's name. */
const PARTS: Record<string, Record<string, string>> = {
  push: { jobs: "job" },
  work: { settles: "settle", claims: "claim", keep: "keep" },
  renew: { leases: "lease" },
  reap: { leases: "lease", keep: "keep" },
  look: { fireable: "fireable", registration: "registration" },
  register: { schedules: "schedule", registration: "registration" },
  fire: { fires: "fire", keep: "keep" },
  trigger: { keep: "keep" },
  pause: { pause: "pause" },
  recover: { decided: "decided" },
  prune: { keep: "keep" },
  cancel: { keep: "keep" },
};

/** The defaults of a verb that are not under its own name, because a part of another has it. */
const OWN: Record<string, string> = { fire: "fires", schedule: "detail", pause: "pausing" };

/** Real clocks go on between the steps. */
const GIVE_OR_TAKE_MS = 5_000;

const REFS = new Set(["get", "cancel", "redrive", "counts"]);

export class Play {
  readonly #scene: Scene;
  readonly #stores = new Map<string, Store>();
  readonly #bound = new Map<string, Json>();

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#stores.set("", scene.store);
  }

  async run({ steps }: Vector): Promise<void> {
    for (const [index, step] of steps.entries()) {
      const where = `step ${index + 1}: ${step.op ?? "time"}`;
      if (step.op === undefined) await this.#moveTime(step);
      else await this.#call(step.op, step, where);
    }
  }

  async #moveTime({ advance, pass, jump }: Step): Promise<void> {
    if (advance !== undefined) await this.#scene.world.advance(advance);
    if (pass !== undefined) await this.#scene.pass(pass, 60_000);
    if (jump !== undefined) await this.#scene.world.jump(jump);
  }

  async #call(op: string, step: Step, where: string): Promise<void> {
    const now = await this.#scene.world.now();
    const args = this.#given(complete(op, step.args ?? {}), now) as Fields;
    this.#scene.knows(...taskIdsOf(args));
    const store = await this.#storeOf(step.by ?? "");
    const verbs = store as unknown as Record<string, (args: Fields) => Promise<Json>>;
    const answer = (await verbs[op]?.(args)) ?? null;
    if (step.expect !== undefined) this.#check(answer, step.expect, now, where);
  }

  async #storeOf(name: string): Promise<Store> {
    const store = this.#stores.get(name) ?? (await this.#scene.another());
    this.#stores.set(name, store);
    return store;
  }

  /** Arguments with every `$` replaced by its value. */
  #given(value: Json, now: number): Json {
    if (typeof value === "string" && value.startsWith("$")) return this.#value(value);
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map((item) => this.#given(item, now));
    if (typeof value.$at === "string") return Number(this.#value(value.$at)) + Number(value.plus);
    if (Array.isArray(value.$text)) return this.#text(value.$text);
    if (typeof value.$now === "number") {
      const instant = now + value.$now;
      if (typeof value.as === "string") this.#bound.set(value.as, instant);
      return instant;
    }
    const entries = Object.entries(value).map(([key, part]) => [key, this.#given(part, now)]);
    return Object.fromEntries(entries) as Fields;
  }

  /** One text of several, bound values among them. */
  #text(parts: readonly Json[]): string {
    return parts.map((part) => String(this.#given(part, 0))).join("");
  }

  #value(name: string): Json {
    const value = this.#bound.get(name);
    if (value === undefined) throw new Error(`the vector uses ${name} before it is bound`);
    return value;
  }

  #check(actual: Json, wanted: Json, now: number, where: string): void {
    if (typeof wanted === "string" && wanted.startsWith("$")) {
      if (this.#bound.has(wanted)) expect(actual, where).toEqual(this.#bound.get(wanted));
      else this.#bound.set(wanted, actual);
    } else if (Array.isArray(wanted)) {
      expect(actual, where).toHaveLength(wanted.length);
      const items = actual as Json[];
      wanted.forEach((item, n) => void this.#check(items[n] ?? null, item, now, `${where}[${n}]`));
    } else if (wanted !== null && typeof wanted === "object") {
      if (!this.#checkSpecial(actual, wanted, now, where)) {
        expect(actual, where).toBeTypeOf("object");
        expect(actual, where).not.toBeNull();
        for (const [key, part] of Object.entries(wanted)) {
          this.#check((actual as Fields)[key] ?? null, part, now, `${where}.${key}`);
        }
      }
    } else {
      expect(actual, where).toEqual(wanted);
    }
  }

  #checkSpecial(actual: Json, wanted: Fields, now: number, where: string): boolean {
    if (typeof wanted.$now === "number") {
      expect(actual, where).toBeTypeOf("number");
      const offMs = Number(actual) - (now + wanted.$now);
      expect(Math.abs(offMs), `${where}: ms beside the instant`).toBeLessThanOrEqual(
        GIVE_OR_TAKE_MS,
      );
    } else if (typeof wanted.$at === "string") {
      expect(actual, where).toBe(Number(this.#value(wanted.$at)) + Number(wanted.plus));
    } else if (Array.isArray(wanted.$text)) {
      expect(actual, where).toBe(this.#text(wanted.$text));
    } else if (typeof wanted.$rises === "string") {
      expect(BigInt(String(actual)) > BigInt(String(this.#value(wanted.$rises))), where).toBe(true);
    } else if (typeof wanted.$length === "number") {
      expect(actual, where).toHaveLength(wanted.$length);
    } else if (Array.isArray(wanted.$set)) {
      const items = wanted.$set.map((item) =>
        expect.objectContaining(this.#given(item, 0) as Fields),
      );
      expect(actual, where).toHaveLength(items.length);
      expect(actual, where).toEqual(expect.arrayContaining(items));
    } else {
      return false;
    }
    return true;
  }
}

function complete(op: string, given: Fields): Fields {
  const args: Fields = { ...DEFAULTS[REFS.has(op) ? "ref" : (OWN[op] ?? op)], ...given };
  for (const [field, part] of Object.entries(PARTS[op] ?? {})) {
    const value = args[field];
    if (Array.isArray(value)) args[field] = value.map((item) => completePart(part, item as Fields));
    else if (part === "keep") args[field] = completePart(part, (value ?? {}) as Fields);
    else if (value !== null && value !== undefined)
      args[field] = completePart(part, value as Fields);
  }
  return args;
}

function completePart(part: string, given: Fields): Fields {
  const whole: Fields = { ...DEFAULTS[part], ...given };
  if (part === "job" || part === "schedule") {
    whole.rules = { ...(DEFAULTS.job?.rules as Fields), ...((given.rules as Fields) ?? {}) };
  }
  if (part === "fire") {
    const decisions = (whole.decisions ?? []) as Fields[];
    whole.decisions = decisions.map((each) => ({
      ...DEFAULTS[`${each.kind ?? "fire"}Decision`],
      ...each,
    }));
  }
  return whole;
}

/** Every task that is named anywhere in these arguments. */
function taskIdsOf(value: Json): string[] {
  if (value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) return value.flatMap(taskIdsOf);
  return Object.entries(value).flatMap(([key, part]) =>
    key === "taskId" && typeof part === "string" ? [part] : taskIdsOf(part),
  );
}
