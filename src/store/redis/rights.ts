/**
 * Which commands a user of the server needs, and whether it may send them: asked by ACL DRYRUN,
 * which runs nothing.
 */
import { type Finding, finding, hidden } from "../../core/finding.js";
import type { Command } from "./client.js";
import { ON_A_CLUSTER, ON_ONE_SERVER } from "./rights-list.js";

export async function examineRights(
  command: Command,
  { prefix, isCluster }: { prefix: string; isCluster: boolean },
): Promise<Finding> {
  const code = "RIGHTS";
  const need = "+acl|whoami +acl|dryrun";
  let user: string;
  try {
    user = String(await command("ACL", "WHOAMI"));
  } catch {
    return hidden(code, "what the user may do", need);
  }
  const missing = new Set<string>();
  for (const sample of isCluster ? ON_A_CLUSTER : ON_ONE_SERVER) {
    const words = sample.split(" ").map((word) => {
      if (word === "K") return `${prefix}{0}:meta`;
      return word === "C" ? `${prefix}{0}:wake:x` : word;
    });
    try {
      const reply = String(await command("ACL", "DRYRUN", user, ...words));
      if (reply !== "OK") missing.add(nameOf(sample));
    } catch {
      return hidden(code, "what the user may do", need);
    }
  }
  if (missing.size === 0) return finding(code, "ok", "the user may do all that is needed");
  const names = [...missing];
  const fix = `ACL SETUSER: ~${prefix}* &${prefix}* ${names.map((name) => `+${name}`).join(" ")}`;
  return finding(code, "error", "the user lacks rights, or the keys or channels of the prefix", {
    ...{ fix, value: names },
  });
}

const CONTAINERS = new Set(["cluster", "pubsub", "script"]);

/** As ACL SETUSER spells it. */
function nameOf(sample: string): string {
  const [name = "", second] = sample.toLowerCase().split(" ");
  return CONTAINERS.has(name) ? `${name}|${second}` : name;
}
