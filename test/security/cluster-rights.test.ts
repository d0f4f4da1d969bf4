/** The rights that docs/security.md names for a Cluster, beside the others: they are enough. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import { readPage } from "../docs/blocks.js";
import { listed, listedForClients } from "../redis/store-kit.js";
import { startCluster, type TestCluster } from "../support/cluster.js";
import { aclWords, PASSWORD, refusedTo, USER } from "../support/least-rights.js";
import { until } from "../support/until.js";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster({ replicas: 0 });
}, 60_000);
afterAll(async () => await cluster?.stop());

/** What stands in the table of the page beside the word Cluster. */
function ofPage(): string[] {
  const [row = ""] = /^.*\| a \[Cluster\].*$/m.exec(readPage("docs/security.md")) ?? [];
  return [...row.matchAll(/`\+([\w\\|]+)`/g)].map(([, right = ""]) => right.replace("\\|", " "));
}

test("a user with these rights runs jobs on all shards, and is woken", async () => {
  const asked = ["acl whoami", "acl dryrun"];
  const all = [...listedForClients(), ...listed(), ...ofPage(), ...asked];
  const rights = aclWords(all, "acl:");
  const nodes = cluster.nodes.map(({ client }) => client);
  for (const node of nodes) {
    await node.call("ACL", "SETUSER", USER, "on", `>${PASSWORD}`, ...rights);
  }
  const scheduler = createScheduler({
    redisConfig: { ...cluster.config, username: USER, password: PASSWORD },
    ...{ redisPrefix: "acl:", logger: false, pollInterval: "10m" },
  });
  const ran = new Set<string>();
  const tasks = Array.from({ length: 40 }, (_, n) => `task-${n}`);
  for (const task of tasks) scheduler.bind(task, (_data, { taskId }) => void ran.add(taskId));
  try {
    await scheduler.start();
    // While a slot moves ASKING is wanted, too.
    const { findings } = await scheduler.doctor();
    const found = findings.filter(({ code }) => code === "RIGHTS");
    expect(found).toMatchObject([{ level: "ok" }]);
    for (const task of tasks) await scheduler.push(task, { retry: true });
    await until("all to have run", () => ran.size === tasks.length, 10_000);
    const refused = await Promise.all(nodes.map((node) => refusedTo(node)));
    const known = ["client|setname", "config|get", "info", "ping"];
    expect(refused.flat().filter((right) => !known.includes(right))).toEqual([]);
  } finally {
    await scheduler.stop();
  }
});
