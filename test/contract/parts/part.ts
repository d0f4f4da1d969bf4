/** A short line is shared among those that sleep, one after the other. */
import { describe, expect } from "vitest";
import { until } from "../../support/until.js";
import { Sleeper } from "../sleeper.js";
import type { ContractTest } from "../suite.js";
import { HOUR_MS, heldOf, KEEP, newJob, TASK } from "../words.js";

export function partClaims(test: ContractTest): void {
  const claimPart = async ({ store }: Sleeper, limit = 10) => {
    const claims = [{ taskId: TASK, limit, fair: true }];
    const rest = { settles: [], idle: false, leaseMs: HOUR_MS, keep: KEEP };
    const given = await store.work({ ...rest, claims });
    const { more, left } = given;
    return { jobs: heldOf(given.batches).length, more, left };
  };

  describe("a part of a short line", () => {
    test("a claim that leaves others their part takes no more than its own", async ({ scene }) => {
      const sleepers: Sleeper[] = [];
      for (let n = 0; n < 4; n += 1) sleepers.push(await Sleeper.of(scene, await scene.another()));
      await scene.push(Array.from({ length: 21 }, () => newJob()));
      const awake = new Set<Sleeper>();
      const next = async (): Promise<Sleeper> => {
        const isWoken = (one: Sleeper) => !awake.has(one) && one.wakes.length > 0;
        const found = await until("the next is woken", () => sleepers.find(isWoken));
        awake.add(found);
        return found;
      };
      const shared = { more: [TASK], left: [TASK] };
      // 21 for four, 15 for three, 10 for two; the last one has as much as it wants.
      expect(await claimPart(await next())).toEqual({ jobs: 6, ...shared });
      expect(await claimPart(await next())).toEqual({ jobs: 5, ...shared });
      expect(await claimPart(await next(), 4)).toEqual({ jobs: 4, more: [TASK], left: [] });
      const last = await next();
      expect(await claimPart(last, 4)).toEqual({ jobs: 4, more: [TASK], left: [] });
      expect(await claimPart(last)).toEqual({ jobs: 2, more: [], left: [] });
    });

    test("nothing is left for others that do not sleep, or for a lone job", async ({ scene }) => {
      const sleeper = await Sleeper.of(scene, await scene.another());
      await scene.push([newJob(), newJob(), newJob()]);
      await sleeper.woken();
      expect(await claimPart(sleeper)).toEqual({ jobs: 3, more: [], left: [] });
      await Sleeper.of(scene, await scene.another());
      await scene.pushOne();
      expect(await claimPart(sleeper)).toEqual({ jobs: 1, more: [], left: [] });
    });
  });
}
