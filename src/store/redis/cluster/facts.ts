/** What the nodes of a Cluster say at the start, as one: what differs names its nodes. */
import { type Durability, leastOf } from "../../../core/durability.js";
import { askServer, type ServerFacts } from "../server.js";
import type { Node } from "./nodes.js";

/** More are counted. */
const MOST_NAMES = 4;

export async function factsOf(
  nodes: readonly Node[],
  durability: Durability,
): Promise<ServerFacts> {
  const asked = nodes.map(async ({ name: node, connection, version }) => {
    const command = (name: string, ...args: string[]) => connection.command(name, ...args);
    return { node, facts: await askServer(command, { version, durability }) };
  });
  return together(await Promise.all(asked));
}

interface OfNode {
  node: string;
  facts: ServerFacts;
}

function together(all: readonly OfNode[]): ServerFacts {
  const guarantees = byText(all.map(({ node, facts }) => ({ node, text: facts.guarantee })));
  const warnings = byText(
    all.flatMap(({ node, facts }) => facts.warnings.map((text) => ({ node, text }))),
  );
  const told = (text: string, nodes: readonly string[]): string =>
    nodes.length === all.length ? text : `${named(nodes)}: ${text}`;
  return {
    version: all[0]?.facts.version ?? null,
    guarantee: Array.from(guarantees, ([text, nodes]) => told(text, nodes)).join("; "),
    durability: leastOf(all.map(({ facts }) => facts.durability)),
    warnings: Array.from(warnings, ([text, nodes]) => told(text, nodes)),
  };
}

/** Names of nodes for people. */
export function named(nodes: readonly string[]): string {
  const rest = nodes.length > MOST_NAMES ? ` and ${nodes.length - MOST_NAMES} more` : "";
  return `${nodes.slice(0, MOST_NAMES).join(", ")}${rest}`;
}

function byText(all: readonly { node: string; text: string }[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { node, text } of all) found.set(text, [...(found.get(text) ?? []), node]);
  return found;
}
