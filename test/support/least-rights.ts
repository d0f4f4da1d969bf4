/**
 * The user that protocol/PROTOCOL.md describes, made on a real server, and eyes on what is done in
 * its name: MONITOR for what it sends and what its scripts do, ACL LOG for what it was refused.
 */
import { connect, type Socket } from "node:net";
import type { Redis } from "ioredis";
import type { TestServer } from "./servers.js";
import { until } from "./until.js";

export const USER = "scheduler";
export const PASSWORD = "a word that nobody may read";

const LONGEST_LOOK = 200;

/** Words of commands that ACL SETUSER spells with a bar. */
const CONTAINERS = new Set(["ACL", "CLIENT", "CLUSTER", "CONFIG", "PUBSUB", "SCRIPT"]);

/** As ACL SETUSER takes it, from the names of rights as the document writes them. */
export function aclWords(rights: readonly string[], prefix: string): string[] {
  const allowed = rights.map((right) => `+${right.toLowerCase().replace(" ", "|")}`);
  const reach = ["resetkeys", `~${prefix}*`, "resetchannels", `&${prefix}*`, "-@all"];
  return [...reach, ...new Set(allowed)];
}

export interface Rights {
  /** What clients of this user sent, and was allowed: `SCRIPT EXISTS`. */
  sent: Set<string>;
  /** What its scripts did. */
  inScripts: Set<string>;
}

export interface RightsMonitor {
  /** All that was seen until now. */
  seen(): Promise<Rights>;
  close(): void;
}

/** Watches a server on which `admin` is the only other client. */
export async function watchRights(server: TestServer, admin: Redis): Promise<RightsMonitor> {
  const socket = connect(server.port, server.host);
  const mark = `the last word ${process.pid}`;
  let marks = 0;
  const rights: Rights = { sent: new Set(), inScripts: new Set() };
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
function note(rights: Rights, line: string, own: string): void {
  const [, source, first = "", second = ""] =
    /^\+[\d.]+ \[\d+ (\S+)\] "([^"\\]+)"(?: "([^"\\]*)")?/.exec(line) ?? [];
  if (source === undefined || source === own) return;
  const name = first.toUpperCase();
  // Nobody needs a right to say who they are.
  if (name === "AUTH" || name === "HELLO") return;
  const full = CONTAINERS.has(name) ? `${name} ${second.toUpperCase()}` : name;
  (source === "lua" ? rights.inScripts : rights.sent).add(full);
}

/** What clients of the user asked for and did not get, by the server's own record. */
export async function refusedTo(admin: Redis): Promise<string[]> {
  const entries = (await admin.call("ACL", "LOG", "128")) as unknown[][];
  const named = entries.map((entry) => {
    const of = (name: string) => String(entry[entry.indexOf(name) + 1]);
    return { user: of("username"), what: of("object") };
  });
  return [...new Set(named.filter(({ user }) => user === USER).map(({ what }) => what))].sort();
}
