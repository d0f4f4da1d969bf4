/**
 * Opens a shard on the node that has it:
 *  1. says which layout its data have
 *  2. notices that they were lost or replaced, or that another run of a server has them: then
 *     nothing fires there before everybody has told what is decided
 *  3. and it is put right how its tasks are spread, which that run may not know
 */
import { SchedulerError } from "../../../core/errors.js";
import { ShardKeys } from "../keys.js";
import { decodeLayout, LAYOUT_VERSION, type Layout } from "../layout.js";
import type { SessionParts } from "../session.js";
import { Births } from "./births.js";
import type { Node } from "./nodes.js";
import { recollect } from "./recollect.js";

/** Whoever opens a shard waits so long for what others know of its tasks. */
const BRISK_MS = 250;
/** The same where a task is to be spread that may be spread already. */
const PATIENT_MS = 5_000;

export interface OpenerParts
  extends Pick<SessionParts, "prefix" | "identity" | "clock" | "chance" | "scripts" | "knowledge"> {
  ownerOf: (shard: number) => Node | null;
}

export class ShardOpener {
  readonly #parts: OpenerParts;
  readonly #births = new Births();
  /** Those that were opened while others could not say how their tasks are spread. */
  readonly #unsure = new Map<number, { runId: string; shards: number }>();

  constructor(parts: OpenerParts) {
    this.#parts = parts;
  }

  /** `wanted`: shards of a data set that is new. */
  async open(
    index: number,
    node: Node,
    wanted: number,
  ): Promise<{ layout: Layout; emptied: boolean }> {
    const { prefix, identity, chance } = this.#parts;
    const scripts = await this.#parts.scripts();
    const keys = new ShardKeys({ prefix, shard: index, identity });
    const run = (verb: "open" | "hold", names: readonly string[], args: readonly string[]) =>
      node.connection.command("EVAL", scripts[verb].text, String(names.length), ...names, ...args);
    const own = [String(LAYOUT_VERSION), String(wanted), chance.identity()];
    const reply = await run("open", [...keys.base, keys.layout], own);
    const layout = decodeLayout(reply as string[], prefix);
    const birth = { born: layout.born, runId: node.runId ?? node.name };
    const { emptied, isOther } = this.#births.compare(index, birth);
    if (isOther) await run("hold", keys.base, [`${birth.born} ${birth.runId}`]);
    if (isOther || layout.toldFor !== birth.runId) {
      this.#unsure.set(index, { runId: birth.runId, shards: layout.shards });
      await this.#recollect(index, node, BRISK_MS);
    }
    this.#births.note(index, birth);
    return { layout, emptied };
  }

  /** Resolves when it is known how tasks are spread from there; rejects while nobody can tell. */
  async surely(index: number, node: Node): Promise<void> {
    if (this.#unsure.has(index)) await this.#recollect(index, node, PATIENT_MS);
    if (!this.#unsure.has(index)) return;
    const message = `over how many shards tasks of shard ${index} were spread is not known now`;
    const fix = "another shard has to say so that is away: see health().reasons";
    throw new SchedulerError("STORE_UNREACHABLE", message, { fix });
  }

  async #recollect(index: number, node: Node, withinMs: number): Promise<void> {
    const doubt = this.#unsure.get(index);
    if (doubt === undefined) return;
    const { ownerOf, knowledge } = this.#parts;
    const { runId, shards } = doubt;
    const { spread, isSure } = await recollect({
      ...{ ...this.#parts, index, node, runId, withinMs },
      scripts: await this.#parts.scripts(),
      owners: Array.from({ length: shards }, (_, shard) => ownerOf(shard)),
      known: knowledge?.of(index, shards) ?? [],
    });
    knowledge?.isTold(spread, shards);
    if (isSure && this.#unsure.get(index) === doubt) this.#unsure.delete(index);
  }
}
