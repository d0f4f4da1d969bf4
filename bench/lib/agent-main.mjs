/** The process of an agent: makes its part of a system and does what the bench calls for. */
import { consumer } from "./consume.mjs";
import { producer } from "./produce.mjs";
import { loadSystem } from "./system.mjs";

const [role, key = "", place = "{}"] = process.argv.slice(2);
const system = await loadSystem(key);
const make = role === "produce" ? producer : consumer;
/** @type {Record<string, (args: any) => Promise<unknown>>} */
const calls = make(system, JSON.parse(place));

// Without its bench it has nothing to live for.
process.on("disconnect", () => process.exit(1));
process.on("message", (message) => {
  void answer(/** @type {{ id: number, name: string, args: object }} */ (message));
});

/** @param {{ id: number, name: string, args: object }} message */
async function answer({ id, name, args }) {
  try {
    const call = calls[name];
    if (call === undefined) throw new Error(`there is no call ${name}`);
    process.send?.({ id, value: await call(args) });
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? error.message : String(error) });
  }
}
