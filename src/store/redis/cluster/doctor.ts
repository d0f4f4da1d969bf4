/**
 * examine on a Redis Cluster: each primary that has a shard is examined for itself.
 *  1. one that does not answer is a finding, and the others are examined all the same
 *  2. equal findings of several nodes are one that names them all
 *  3. the clocks of the nodes are compared with each other
 */
import { isDeepStrictEqual } from "node:util";
import { type Finding, finding, unexamined } from "../../../core/finding.js";
import type { ClusterTarget } from "../client.js";
import type { Patient } from "../doctor.js";
import { ofClocks, type Skew } from "../skew.js";
import { named } from "./facts.js";
import type { Nodes } from "./nodes.js";
import { nameOf, slotOfShard } from "./slots.js";

export interface Examined {
  findings: Finding[];
  /** null: hidden. */
  skew: Skew | null;
}

interface OfNode extends Examined {
  node: string;
}

/** By their shards; the one without a name stands for those that nobody owns. */
export function patientsOf(
  nodes: Nodes,
  { shards, clientOf }: { shards: number } & Pick<ClusterTarget, "clientOf">,
): Patient[] {
  const found = new Map<string, Patient & { shards: number[] }>();
  for (let shard = 0; shard < shards; shard += 1) {
    const address = nodes.addressOf(slotOfShard(shard));
    const node = address === null ? "" : nameOf(address);
    const known = found.get(node);
    if (known !== undefined) known.shards.push(shard);
    else {
      const makeClient = async () => clientOf(address ?? { host: "", port: 0 });
      found.set(node, { node, shards: [shard], makeClient });
    }
  }
  return [...found.values()];
}

export async function examineNodes(
  patients: readonly Patient[],
  examineOne: (patient: Patient) => Promise<Examined>,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const all: OfNode[] = [];
  const ask = async (patient: Patient, node: string): Promise<OfNode> => {
    try {
      return { node, ...(await examineOne(patient)) };
    } catch (error) {
      const absent = unexamined(`the node with ${shardsOf(patient)}`, error);
      return { node, findings: [absent], skew: null };
    }
  };
  const asked: Promise<OfNode>[] = [];
  for (const patient of patients) {
    const { node } = patient;
    if (node) asked.push(ask(patient, node));
    else findings.push(ownerless(patient));
  }
  all.push(...(await Promise.all(asked)));
  const merged = [...findings, ...merge(all), ofClocks(all)];
  const order = [...new Set(merged.map(({ code }) => code))];
  return merged.sort((a, b) => order.indexOf(a.code) - order.indexOf(b.code));
}

function shardsOf({ shards }: Patient): string {
  return `${shards.length === 1 ? "shard" : "shards"} ${shards.join(", ")}`;
}

function ownerless(patient: Patient): Finding {
  const meaning = `no node has the slots of ${shardsOf(patient)}: what lives there waits`;
  const fix = "bring the node back that had them, or assign the slots: see CLUSTER NODES";
  return finding("STORE_REACHABLE", "error", meaning, { fix, value: "STORE_UNREACHABLE" });
}

interface Group {
  first: Finding;
  /** By node. */
  values: Map<string, unknown>;
}

function merge(all: readonly OfNode[]): Finding[] {
  const groups = new Map<string, Group>();
  for (const { node, findings } of all) {
    for (const one of findings) {
      const key = JSON.stringify([one.code, one.level, one.meaning, one.fix]);
      const group = groups.get(key) ?? { first: one, values: new Map() };
      group.values.set(node, one.value);
      groups.set(key, group);
    }
  }
  return Array.from(groups.values(), ofGroup);
}

function ofGroup({ first, values }: Group): Finding {
  const nodes = [...values.keys()];
  const isSame = [...values.values()].every((value) => isDeepStrictEqual(value, first.value));
  const value = isSame ? first.value : Object.fromEntries(values);
  const { code, level, meaning, fix } = first;
  return { ...finding(code, level, `${named(nodes)}: ${meaning}`, { fix, value }), nodes };
}
