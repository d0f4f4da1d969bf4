/** Makes sure that a server knows all scripts: restarts, failovers, SCRIPT FLUSH lose them. */
import type { Command } from "./client.js";
import type { Scripts } from "./shard.js";

export async function loadScripts(command: Command, scripts: Scripts): Promise<void> {
  const all = Object.values(scripts);
  const there = (await command("SCRIPT", "EXISTS", ...all.map((s) => s.sha1))) as number[];
  await Promise.all(
    all.filter((_, k) => there[k] !== 1).map((s) => command("SCRIPT", "LOAD", s.text)),
  );
}
