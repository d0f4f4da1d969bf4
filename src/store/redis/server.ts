/** What the server is and what survives a crash of it: asked at the start, for people. */
import type { Durability } from "../../core/durability.js";
import { SchedulerError } from "../../core/errors.js";
import type { Command } from "./client.js";

export interface ServerFacts {
  /** Like "Redis 7.0.15"; null: the host hides it. */
  version: string | null;
  /** One sentence: the settings, what is in force, and what can still be lost. */
  guarantee: string;
  /** What an answer means. */
  durability: Durability;
  warnings: string[];
}

/**
 * Hosted servers and narrow ACL users forbid these commands: then the answer is "unknown", not an
 * error.
 */
async function ask(command: Command, name: string, ...args: string[]): Promise<string> {
  try {
    const reply = await command(name, ...args);
    return Array.isArray(reply) ? String(reply[1] ?? "") : String(reply);
  } catch {
    return "";
  }
}

export function field(info: string, name: string): string | null {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? null;
}

/** A section of INFO; "": the host hides it. */
export async function askInfo(command: Command, section: string): Promise<string> {
  return await ask(command, "INFO", section);
}

export interface ServerRun {
  /** Like "Redis 7.0.15"; null: the host hides it. */
  version: string | null;
  /** Another one after each start; null: the host hides it. */
  runId: string | null;
}

/** Says what answers. Refuses servers that the scripts cannot run on. */
export async function checkServer(command: Command): Promise<ServerRun> {
  const info = await ask(command, "INFO", "server");
  const valkey = field(info, "valkey_version");
  const redis = field(info, "redis_version");
  const version = valkey ?? redis;
  const runId = field(info, "run_id");
  if (version === null) return { version, runId };
  const name = valkey === null ? "Redis" : "Valkey";
  const [major = 0] = version.split(".").map(Number);
  if (major < 7) {
    throw new SchedulerError("STORE_VERSION", `the server is ${name} ${version}`, {
      fix: "schedule-mq needs Redis 7.0 or newer, or Valkey 7.2 or newer",
      value: version,
    });
  }
  return { version: `${name} ${version}`, runId };
}

/** Settings that decide what is lost when; "" where the host hides them. */
export interface ServerSettings {
  appendonly: string;
  appendfsync: string;
  save: string;
  policy: string;
  /** How many are connected; null: hidden. */
  replicas: number | null;
}

export async function askSettings(command: Command): Promise<ServerSettings> {
  const [appendonly, appendfsync, save, policy, replication] = await Promise.all([
    setting(command, "appendonly"),
    setting(command, "appendfsync"),
    askSave(command),
    setting(command, "maxmemory-policy"),
    ask(command, "INFO", "replication"),
  ]);
  const replicas = field(replication, "connected_slaves");
  return {
    ...{ appendonly, appendfsync, save, policy },
    replicas: replicas === null ? null : Number(replicas),
  };
}

/** What a policy for keys with a time to live makes a full server do: no others have one. */
export const FORGETS = "forgets who sleeps and which calls it has answered";
const SLOW_ANSWERS =
  "an answer that waits for the disk takes a second or two; set it to always, or lease above 5 s";
const NOTHING_KEPT =
  "the server keeps nothing on disk: a restart loses all jobs; set appendonly yes";

export async function askServer(
  command: Command,
  asked: { version: string | null; durability: Durability },
): Promise<ServerFacts> {
  const settings = await askSettings(command);
  const { appendonly, appendfsync, save, policy } = settings;
  const warnings: string[] = [];
  if (policy !== "" && policy !== "noeviction") {
    const loss = policy.startsWith("volatile-") ? FORGETS : "deletes jobs and schedules";
    warnings.push(`maxmemory-policy is ${policy}: a full server ${loss}; set it to noeviction`);
  }
  if (appendonly === "no" && save === "none") {
    warnings.push(NOTHING_KEPT);
  }
  if (asked.durability !== "store" && appendfsync === "everysec") {
    warnings.push(`appendfsync is everysec: ${SLOW_ANSWERS}`);
  }
  const isAlways = appendonly === "yes" && appendfsync === "always";
  const durability = asked.durability === "store" && isAlways ? "fsync" : asked.durability;
  const loss = lossOf(settings, durability);
  const guarantee = `${seen(settings)}: durability "${durability}", ${loss}`;
  return { version: asked.version, guarantee, durability, warnings };
}

/** The settings in words, hidden ones too. */
function seen({ appendonly, appendfsync, save, policy, replicas }: ServerSettings): string {
  const aof = appendonly === "yes" ? `appendfsync ${appendfsync}` : "no append-only file";
  const disk = appendonly === "" ? "persistence unknown" : aof;
  const snapshots = appendonly === "no" && save !== "" && save !== "none" ? ", snapshots" : "";
  const eviction = policy === "" ? "eviction unknown" : policy;
  const fleet = replicas === null ? "replicas unknown" : `${replicas} replicas`;
  return `${disk}${snapshots}, ${eviction}, ${replicas === 1 ? "1 replica" : fleet}`;
}

/** What can still be undone of what was answered. */
function lossOf(settings: ServerSettings, durability: Durability): string {
  if (durability === "replicas") {
    return "a power cut undoes nothing, a failover to the replica that confirmed neither";
  }
  const failover = settings.replicas === 0 ? "" : "; a failover what no replica had received";
  return `${powerCut(settings, durability)}${failover}`;
}

function powerCut(settings: ServerSettings, durability: Durability): string {
  const { appendonly, appendfsync, save } = settings;
  if (durability === "fsync") return "a power cut undoes nothing that was answered";
  if (appendonly === "yes" && appendfsync === "everysec") {
    return "a power cut can undo the last 2 s";
  }
  if (appendonly === "yes" && appendfsync === "no") {
    return "a power cut can undo the last half minute";
  }
  if (appendonly === "no" && save === "none") return "a restart of the server loses everything";
  if (appendonly === "no" && save !== "") {
    return "a crash of the server undoes all since its last snapshot";
  }
  return "the window of loss is unknown (the host hides its settings)";
}

async function setting(command: Command, name: string): Promise<string> {
  return await ask(command, "CONFIG", "GET", name);
}

/** "none": no snapshots; "": the host hides it. */
async function askSave(command: Command): Promise<string> {
  try {
    const reply = (await command("CONFIG", "GET", "save")) as string[];
    return reply.length < 2 ? "" : reply[1] || "none";
  } catch {
    return "";
  }
}
