/** The way to one shard of a Cluster, with its nodes in the test's hand. */
import { expect, test } from "vitest";
import { ShardLink } from "../../src/store/redis/cluster/link.js";
import type { Node, Nodes } from "../../src/store/redis/cluster/nodes.js";
import { createTestClock } from "../../src/testing/clock.js";
import { until } from "../support/until.js";

test("a call that pauses while its link is closed is over, and connects to nobody", async () => {
  const clock = createTestClock();
  let calls = 0;
  let opened = 0;
  const evalsha = async (): Promise<never> => {
    calls += 1;
    const message = "TRYAGAIN Multiple keys request during rehashing of slot";
    throw Object.assign(new Error(message), { name: "ReplyError" });
  };
  const node = { life: 1, name: "n", connection: { connected: true, evalsha } };
  const nodes = { ownerOf: () => node as unknown as Node, refresh: async () => {} };
  const link = new ShardLink({
    ...{ shard: 0, clock, nodes: nodes as unknown as Nodes },
    open: async () => {
      opened += 1;
    },
  });
  const script = { sha1: "0", text: "" } as never;
  const call = link.run({ verb: "recall", script, keys: [], args: [] });
  const failed = expect(call).rejects.toMatchObject({ code: "STORE_CLOSED" });
  await until("the call to be refused", () => calls === 1);
  link.close();
  await clock.advance(1_000);
  await failed;
  expect({ calls, opened }).toEqual({ calls: 1, opened: 1 });
});
