/**
 * A part of the tests that runs as a user with few rights, and what it took. Mostly the user has
 * what protocol/rights.json lists for the part, and what the run took has to be just that. For
 * `npm run rights` the user has more, and what the run took is written down for the list.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { EXTRAS, type Extra, type Took } from "../../scripts/lib/rights.mjs";
import {
  neededOn,
  PASSWORD,
  published,
  type RightsMonitor,
  reachOf,
  refusedTo,
  USER,
  watchRights,
} from "./least-rights.js";
import type { TestServer } from "./servers.js";

/** Where the record is written; empty: nothing is recorded. */
const RECORD = process.env.RIGHTS_RECORD ?? "";

/** More than anybody should have to give: all but what is dangerous or tells of connections. */
const WIDE = ["@all"];
const NEVER = ["@admin", "@dangerous", "client", "ping"];

/** A server, and the only other client that is on it. */
export interface Watched {
  server: TestServer;
  admin: Redis;
}

export type Part = "single" | "cluster" | Extra;

export class RightsRun {
  readonly part: Part;
  readonly #nodes: readonly Watched[];
  readonly #monitors: readonly RightsMonitor[];

  /** Nodes hand keys to one another. */
  get #strangers(): string[] {
    return this.part === "cluster" ? ["select", "restore-asking"] : [];
  }

  private constructor(part: Part, nodes: readonly Watched[], monitors: readonly RightsMonitor[]) {
    this.part = part;
    this.#nodes = nodes;
    this.#monitors = monitors;
  }

  /** Makes the user on all nodes. `more`: words of ACL SETUSER for the tests' own needs. */
  static async begin(
    part: Part,
    nodes: readonly Watched[],
    { prefix, more = [] }: { prefix: string; more?: readonly string[] },
  ): Promise<RightsRun> {
    const rights = [...reachOf(prefix), ...(RECORD === "" ? listedFor(part) : wideFor(part))];
    const all = [...rights, ...more];
    const monitors: RightsMonitor[] = [];
    for (const { server, admin } of nodes) {
      await admin.call("ACL", "SETUSER", USER, "on", `>${PASSWORD}`, ...all);
      monitors.push(await watchRights(server, admin));
    }
    return new RightsRun(part, nodes, monitors);
  }

  /** What clients of the user have sent until now. */
  async sent(): Promise<Set<string>> {
    return (await this.#seen()).sent;
  }

  /** Breaks all connections of the user. */
  async cut(): Promise<void> {
    await Promise.all(this.#nodes.map(({ admin }) => admin.call("CLIENT", "KILL", "USER", USER)));
  }

  /** What the run took, and what the list says that it takes. */
  async end({ without = [] }: { without?: readonly string[] } = {}): Promise<{
    took: Took;
    listed: Took;
  }> {
    const { sent, inScripts } = await this.#seen();
    for (const name of [...without, ...this.#strangers]) {
      inScripts.delete(name);
      sent.delete(name);
    }
    const refused = await Promise.all(this.#nodes.map(({ admin }) => refusedTo(admin)));
    const took = {
      sent: sorted(sent),
      inScripts: sorted(inScripts),
      spare: sorted(refused.flat()),
    };
    const { admin } = this.#nodes[0]!;
    if (RECORD === "") return compared(this.part, took, await known(admin, published().spare));
    const samples = await samplesOf(admin, [...took.sent, ...took.inScripts]);
    writeFileSync(join(RECORD, `${this.part}.json`), JSON.stringify({ ...took, samples }));
    return { took, listed: took };
  }

  close(): void {
    for (const monitor of this.#monitors) monitor.close();
  }

  async #seen(): Promise<{ sent: Set<string>; inScripts: Set<string> }> {
    const all = await Promise.all(this.#monitors.map((monitor) => monitor.seen()));
    const hidden = isExtra(this.part) ? await hiddenOf(this.part, this.#nodes) : [];
    return {
      sent: new Set([...hidden, ...all.flatMap(({ sent }) => [...sent])]),
      inScripts: new Set(all.flatMap(({ inScripts }) => [...inScripts])),
    };
  }
}

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

function isExtra(part: Part): part is Extra {
  return part in EXTRAS;
}

function listedFor(part: Part): string[] {
  const rights = isExtra(part) ? [...neededOn("single"), ...published()[part]] : neededOn(part);
  return rights.map((right) => `+${right}`);
}

function wideFor(part: Part): string[] {
  const wanted = isExtra(part) ? EXTRAS[part] : [];
  const words = [...WIDE.map((one) => `+${one}`), ...NEVER.map((one) => `-${one}`)];
  return [...words, ...wanted.map((one) => `+${one}`)];
}

/** Those that a server of this age has. */
async function known(admin: Redis, names: readonly string[]): Promise<string[]> {
  const infos = (await admin.call("COMMAND", "INFO", ...names)) as unknown[];
  return names.filter((_, k) => infos[k] !== null);
}

/** An extra part is judged by what it takes beside the rights that everybody has. */
function compared(part: Part, took: Took, spare: string[]): { took: Took; listed: Took } {
  const rights = published();
  if (!isExtra(part)) return { took, listed: { ...rights[part], spare } };
  const base = new Set(neededOn("single"));
  const beside = [...took.sent, ...took.inScripts].filter((name) => !base.has(name));
  const strange = took.spare.filter((name) => !spare.includes(name));
  return {
    took: { sent: sorted(beside), inScripts: [], spare: strange },
    listed: { sent: rights[part], inScripts: [], spare: [] },
  };
}

/** MONITOR shows nothing of administrators' commands; those that count here no test sends. */
async function hiddenOf(part: Extra, nodes: readonly Watched[]): Promise<string[]> {
  const stats = await Promise.all(nodes.map(({ admin }) => admin.info("commandstats")));
  const wasSent = (name: string) => stats.some((text) => text.includes(`cmdstat_${name}:calls=`));
  return EXTRAS[part].filter((name) => /^(?:acl|config)\|/.test(name) && wasSent(name));
}

type CommandInfo = [name: string, arity: number, flags: string[], firstKey: number];

/** Each command as `ACL DRYRUN` takes it: `K` stands for a key, `C` for a channel. */
async function samplesOf(admin: Redis, names: readonly string[]): Promise<Record<string, string>> {
  const infos = (await admin.call("COMMAND", "INFO", ...names)) as CommandInfo[];
  const samples = names.map((name, k) => {
    const [, arity, flags, firstKey] = infos[k]!;
    const words = name.toUpperCase().split("|");
    const hasChannel = words.length === 1 && flags.includes("pubsub");
    while (words.length < Math.abs(arity)) {
      if (hasChannel && words.length === 1) words.push("C");
      else words.push(words.length === firstKey ? "K" : "0");
    }
    return [name, words.join(" ")];
  });
  return Object.fromEntries(samples);
}
