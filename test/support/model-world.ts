/** A world on the model store: its state is looked at after every call. */
import { systemChance } from "../../src/chance.js";
import type { Store } from "../../src/store/contract.js";
import type { World } from "../contract/world.js";
import { Model } from "../model/model.js";
import { ModelHub } from "../model/store.js";
import { createHandClock } from "./hand-clock.js";

export async function modelWorld(): Promise<World> {
  const clock = createHandClock();
  const model = new Model(clock);
  const hub = new ModelHub(model, clock);
  const inspect = async () => {
    const wrong = model.invariants();
    if (wrong.length > 0) throw new Error(`what must not be: ${wrong.join("; ")}`);
  };
  return {
    async open(): Promise<Store> {
      const store = hub.open(systemChance.identity());
      await store.open();
      return store;
    },
    now: async () => clock.now(),
    advance: async (ms) => clock.advance(ms),
    jump: async (ms) => clock.jump(ms),
    hold: async () => model.hold(),
    inspect,
    async inspectDrained() {
      await inspect();
      for (const { name, jobs, ids } of model.state.tasks.values()) {
        if (jobs.size + ids.size > 0)
          throw new Error(`${name}: ${jobs.size} jobs, ${ids.size} ids`);
      }
      if (model.state.leases.size > 0) throw new Error(`${model.state.leases.size} leases`);
    },
    close: async () => {},
  };
}
