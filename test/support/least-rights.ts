/**
 * The user that protocol/rights.json describes, made on a real server, and eyes on what is done in
 * its name: MONITOR for what it sends and what its scripts do, ACL LOG for what it was refused.
 */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Redis } from "ioredis";
import type { Rights } from "../../scripts/lib/rights.mjs";
import type { TestServer } from "./servers.js";
import { until } from "./until.js";

export const USER = "scheduler";
export const PASSWORD = "a word that nobody may read";

const LONGEST_LOOK = 200;

/** Words of commands that ACL SETUSER spells with a bar. */
const CONTAINERS = new Set(["ACL", "CLIENT", "CLUSTER", "CONFIG", "PUBSUB", "SCRIPT"]);

/** Nobody needs a right to say who they are. */
const NO_RIGHTS = new Set(["AUTH", "HELLO"]);

/** The published list, which `npm run rights` writes. */
export function published(): Rights {
  const file = join(import.meta.dirname, "../../protocol/rights.json");
  return JSON.parse(readFileSync(file, "utf8")) as Rights;
}

/** All that somebody needs on a server of their own, or on the nodes of a Cluster. */
export function neededOn(where: "single" | "cluster"): string[] {
  const { sent, inScripts } = published()[where];
  return [...sent, ...inScripts];
}

/** As ACL SETUSER takes it, from names of rights as the list spells them. */
export function aclWords(rights: readonly string[], prefix: string): string[] {
  return [...reachOf(prefix), ...new Set(rights.map((right) => `+${right}`))];
}

export function reachOf(prefix: string): string[] {
  return ["resetkeys", `~${prefix}*`, "resetchannels", `&${prefix}*`, "-@all"];
}

export interface Seen {
  /** What clients of this user sent, and was allowed: `script|exists`. */
  sent: Set<string>;
  /** What its scripts did. */
  inScripts: Set<string>;
}

export interface RightsMonitor {
  /** All that was seen until now. */
  seen(): Promise<Seen>;
  close(): void;
}

/** Watches a server on which `admin` is the only other client. */
export async function watchRights(server: TestServer, admin: Redis): Promise<RightsMonitor> {
  const socket = connect(server.port, server.host);
  const mark = `the last word ${process.pid}`;
  let marks = 0;
  const rights: Seen = { sent: new Set(), inScripts: new Set() };
  const own = `127.0.0.1:${(admin.stream as Socket).localPort}`;
  let begun = false;
  let rest = "";
  socket.setEncoding("latin1");
  socket.on("data", (piece: string) => {
    // Lines may have megabytes; what is looked for stands at their beginning.
    const lines = piece.split("\r\n").map((line) => line.slice(0, LONGEST_LOOK));
    lines[0] = (rest + lines[0]).slice(0, LONGEST_LOOK);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "+OK") begun = true;
      if (line.includes(mark)) marks += 1;
      note(rights, line, own);
    }
  });
  socket.write("MONITOR\r\n");
  await until("MONITOR to begin", () => begun);
  return {
    async seen() {
      const before = marks;
      await admin.echo(mark);
      await until("the monitor to have seen all", () => marks > before, 20_000);
      return rights;
    },
    close: () => socket.destroy(),
  };
}

/** `+1700000000.123456 [0 127.0.0.1:5000] "EVALSHA" "…"`; a script's own commands say `lua`. */
function note(rights: Seen, line: string, own: string): void {
  const [, source, first = "", second = ""] =
    /^\+[\d.]+ \[\d+ (\S+)\] "([^"\\]+)"(?: "([^"\\]*)")?/.exec(line) ?? [];
  if (source === undefined || source === own) return;
  const name = first.toUpperCase();
  if (NO_RIGHTS.has(name)) return;
  const full = CONTAINERS.has(name) ? `${name}|${second}` : name;
  (source === "lua" ? rights.inScripts : rights.sent).add(full.toLowerCase());
}

/** What clients of the user asked for and did not get, by the server's own record. */
export async function refusedTo(admin: Redis, user: string = USER): Promise<string[]> {
  const entries = (await admin.call("ACL", "LOG", "128")) as unknown[][];
  const named = entries.map((entry) => {
    const of = (name: string) => String(entry[entry.indexOf(name) + 1]);
    return { name: of("username"), what: of("object") };
  });
  return [...new Set(named.filter(({ name }) => name === user).map(({ what }) => what))].sort();
}
