/** What the server is and what survives a crash of it: asked at the start, for people. */
import { SchedulerError } from "../../core/errors.js";
import type { Command } from "./client.js";

export interface ServerFacts {
  /** Like "Redis 7.0.15"; null: the host hides it. */
  version: string | null;
  /** One sentence about persistence. */
  guarantee: string;
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

function field(info: string, name: string): string | null {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? null;
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

export async function askServer(command: Command, version: string | null): Promise<ServerFacts> {
  const [appendonly, appendfsync, save, policy] = await Promise.all([
    ask(command, "CONFIG", "GET", "appendonly"),
    ask(command, "CONFIG", "GET", "appendfsync"),
    ask(command, "CONFIG", "GET", "save"),
    ask(command, "CONFIG", "GET", "maxmemory-policy"),
  ]);
  const warnings: string[] = [];
  if (policy !== "" && policy !== "noeviction") {
    warnings.push(
      `maxmemory-policy is ${policy}: a full server deletes jobs; set it to noeviction`,
    );
  }
  if (appendonly === "no" && save === "") {
    warnings.push("the server keeps nothing on disk: a restart loses all jobs; set appendonly yes");
  }
  return { version, guarantee: guaranteeOf({ appendonly, appendfsync, save }), warnings };
}

function guaranteeOf(config: { appendonly: string; appendfsync: string; save: string }): string {
  if (config.appendonly === "yes") {
    if (config.appendfsync === "always") return "survives a power cut (appendfsync always)";
    if (config.appendfsync === "everysec") {
      return "a power cut can undo the last 2 s (appendfsync everysec)";
    }
    return "a power cut can undo the last half minute (appendfsync no)";
  }
  if (config.appendonly === "no") {
    return config.save === ""
      ? "a restart of the server loses everything (no persistence)"
      : "a crash of the server undoes all since its last snapshot (RDB only)";
  }
  return "what survives a crash is unknown (the host hides its settings)";
}
