/**
 * Sees each call as the server carries it out, and keeps an account of its own of what must follow:
 * who holds which job under which fence, what may be claimed when and in which order, which
 * occurrences are decided. What differs from that account is a broken invariant. When the server
 * forgets, the account is made again of what it has kept.
 */
import type {
  CancelAnswer,
  FireAnswer,
  FireArgs,
  HandedBatch,
  JobRef,
  PushAnswer,
  PushArgs,
  Reaped,
  RedriveAnswer,
  RegisterAnswer,
  RegisterArgs,
  RemoveAnswer,
  RemoveArgs,
  RenewArgs,
  Renewed,
  TriggerAnswer,
  TriggerArgs,
  WorkAnswer,
  WorkArgs,
} from "../../src/store/contract.js";
import { Account } from "./account.js";
import type { AccountParts } from "./account-parts.js";
import type { Reading } from "./open-jobs.js";
import type { Verb } from "./verbs.js";

/** One call that was carried out. */
export interface Seen {
  /** Virtual time. */
  at: number;
  /** The server's clock, epoch ms. */
  storeNow: number;
  /** Whose call it was. */
  by: string;
  verb: Verb | "handed" | "jump";
  args: unknown;
  answer: unknown;
}

export interface Broken {
  invariant: string;
  what: string;
  at: number;
}

/** A lease was taken from its holder. */
export interface Taken {
  fence: string;
  holder: string;
  leaseMs: number;
  renewedAt: number;
  at: number;
}

/** What it has to know of the world. */
export type WitnessParts = Pick<AccountParts, "serial" | "vague" | "code" | "grainMs">;

export class Witness {
  readonly broken: Broken[] = [];
  /** When loss was possible: what was written in such a span may be gone. */
  readonly forgotten: { from: number; to: number }[] = [];
  onTaken: (taken: Taken) => void = () => {};
  onSeen: (seen: Seen) => void = () => {};
  readonly #parts: WitnessParts;
  #log: Seen[] = [];
  #account: Account;
  #lastAt = 0;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
    this.#account = this.#newAccount();
  }

  saw(seen: Seen): void {
    this.#lastAt = seen.at;
    this.#log.push(seen);
    this.onSeen(seen);
    apply(this.#account, seen);
  }

  /** The server's clock, at `storeNow` so far, was moved. */
  jumped(at: number, ms: number, storeNow: number): void {
    this.saw({ at, storeNow, by: "", verb: "jump", args: ms, answer: null });
  }

  /** All that was written after `since` is gone. */
  forgets(since: number): void {
    this.forgotten.push({ from: since, to: this.#lastAt });
    this.#log = this.#log.filter(({ at, verb }) => at <= since || verb === "jump");
    const account = new Account({ ...this.#parts, broken: () => {}, taken: () => {} });
    for (const seen of this.#log) apply(account, seen);
    account.parts = this.#account.parts;
    this.#account = account;
  }

  /** The texts of the rules of run-time schedules that are there. */
  get rules(): ReadonlyMap<string, string> {
    return this.#account.rules.runtime;
  }

  /** What is neither ended nor waiting where it should be, at the end. */
  open(): string[] {
    return this.#account.open();
  }

  /** True: the loss of data may be the reason for what happened to something written then. */
  excuses(at: number): boolean {
    return this.forgotten.some(({ from, to }) => at > from && at <= to);
  }

  #newAccount(): Account {
    return new Account({
      ...this.#parts,
      broken: (invariant, what, at) => void this.broken.push({ invariant, what, at }),
      taken: (taken) => this.onTaken(taken),
    });
  }
}

function apply(account: Account, { at, storeNow, by, verb, args, answer }: Seen): void {
  const when = { at, storeNow };
  switch (verb) {
    case "push":
      account.pushed(args as PushArgs, answer as PushAnswer[], when);
      break;
    case "work":
      account.worked(args as WorkArgs, answer as WorkAnswer, { ...when, by });
      break;
    case "handed":
      account.handed(answer as HandedBatch, { ...when, by });
      break;
    case "renew":
      account.renewed(args as RenewArgs, answer as Renewed, when);
      break;
    case "reap":
      account.reaped(answer as Reaped[], when);
      break;
    case "fire":
      account.fired(args as FireArgs, answer as FireAnswer[], when);
      break;
    case "cancel":
      account.cancelled(args as JobRef, answer as CancelAnswer | null);
      break;
    case "trigger":
      account.triggered(args as TriggerArgs, answer as TriggerAnswer | null, when);
      break;
    case "redrive":
      account.redriven(args as JobRef, answer as RedriveAnswer | null);
      break;
    case "register":
      account.rules.registered(args as RegisterArgs, answer as RegisterAnswer[]);
      break;
    case "remove":
      account.removed(args as RemoveArgs, answer as RemoveAnswer);
      break;
    case "counts":
    case "list":
    case "get":
      account.read({ verb, args, answer } as Reading, at);
      break;
    case "jump":
      account.jumped(args as number, storeNow);
      break;
    default:
      break;
  }
}
