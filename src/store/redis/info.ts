/** What people are told of the store: where it is, what it guarantees now, and warnings. */
import type { Durability } from "../../core/durability.js";
import type { StoreInfo } from "../contract.js";
import type { Home } from "./session.js";

export async function infoOf(
  session: Home,
  { durability = "store", prefix }: { durability?: Durability; prefix: string },
): Promise<StoreInfo> {
  const facts = await session.facts(durability);
  const name = facts.version ?? "Redis";
  return {
    description: `${name} at ${session.address}, prefix "${prefix}": ${facts.guarantee}`,
    now: session.now,
    warnings: facts.warnings,
    durability: facts.durability,
  };
}
