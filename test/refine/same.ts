/**
 * Two answers are the same when they differ in the store's own numbers only: job numbers and fences
 * are paired as they appear, one with one, and keep their order.
 */

const NUMBER = /^(0-)?(\d{16})$/;

/** Which number of the one is which of the other. */
class Pairs {
  readonly #name: string;
  readonly #toReal: Map<string, string> = new Map();
  readonly #toModel: Map<string, string> = new Map();

  constructor(name: string) {
    this.#name = name;
  }

  /** null: they are a pair; else what is wrong. */
  meet(model: string, real: string): string | null {
    const known = this.#toReal.get(model);
    if (known === real) return null;
    if (known !== undefined || this.#toModel.has(real)) {
      return `${this.#name} ${model} of the model cannot be ${real}, it is ${known ?? "another"}`;
    }
    for (const [a, b] of this.#toReal) {
      if (a < model !== b < real) {
        return `${this.#name}s ${a} and ${model} of the model have another order: ${b} and ${real}`;
      }
    }
    this.#toReal.set(model, real);
    this.#toModel.set(real, model);
    return null;
  }

  realOf(model: string): string {
    return this.#toReal.get(model) ?? model;
  }

  modelOf(real: string): string | null {
    return this.#toModel.get(real) ?? null;
  }
}

export class Twins {
  readonly #numbers = new Pairs("number");
  readonly #fences = new Pairs("fence");
  /** Fields that may differ from now on. */
  readonly free: Set<string> = new Set();

  /** All differences, each with the place where it is. */
  differences(model: unknown, real: unknown, where: string, key = ""): string[] {
    if (this.free.has(key)) return [];
    if (typeof model === "string" && typeof real === "string") {
      return this.#texts(model, real, where, key);
    }
    if (Array.isArray(model) && Array.isArray(real)) {
      const longer = model.length > real.length ? model : real;
      return longer.flatMap((_, n) => this.differences(model[n], real[n], `${where}[${n}]`, key));
    }
    if (isRecord(model) && isRecord(real)) {
      const keys = new Set([...Object.keys(model), ...Object.keys(real)]);
      return [...keys].flatMap((each) =>
        this.differences(model[each], real[each], `${where}.${each}`, each),
      );
    }
    return Object.is(model, real) ? [] : [differ(model, real, where)];
  }

  /** What was asked of the model, as the other has to be asked. */
  toReal<T>(args: T, key = ""): T {
    if (typeof args === "string") return this.#toReal(args, key) as T;
    if (Array.isArray(args)) return args.map((item) => this.toReal(item as unknown, key)) as T;
    if (!isRecord(args)) return args;
    const entries = Object.entries(args).map(([name, part]) => [name, this.toReal(part, name)]);
    return Object.fromEntries(entries) as T;
  }

  /** The model's number of a job of the store; null: it has none. */
  modelNumber(real: string): number | null {
    const known = this.#numbers.modelOf(real);
    return known === null ? null : Number(known);
  }

  #toReal(text: string, key: string): string {
    const [, shard = "", number] = NUMBER.exec(text) ?? [];
    return number === undefined ? text : shard + this.#pairs(key).realOf(number);
  }

  #texts(model: string, real: string, where: string, key: string): string[] {
    const [, shard, number] = NUMBER.exec(model) ?? [];
    const [, otherShard, other] = NUMBER.exec(real) ?? [];
    if (number === undefined || other === undefined || shard !== otherShard) {
      return model === real ? [] : [differ(model, real, where)];
    }
    const wrong = this.#pairs(key).meet(number, other);
    return wrong === null ? [] : [`${where}: ${wrong}`];
  }

  #pairs(key: string): Pairs {
    return key === "fence" ? this.#fences : this.#numbers;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function differ(model: unknown, real: unknown, where: string): string {
  return `${where}: the model says ${JSON.stringify(model)}, the store ${JSON.stringify(real)}`;
}
