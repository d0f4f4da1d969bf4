/** schedule-mq on its embedded store, with full durability: its default. */
import { join } from "node:path";
import { scheduleMq } from "./ours.mjs";

export const system = scheduleMq({
  title: "schedule-mq embedded",
  usesRedis: false,
  unwanted: ["ioredis"],
  optionsAt: ({ folder }) => ({ store: { path: join(folder, "store.db") } }),
});
