/** schedule-mq on Redis, with its defaults. */
import { scheduleMq } from "./ours.mjs";

export const system = scheduleMq({
  title: "schedule-mq",
  usesRedis: true,
  unwanted: ["node:sqlite", "@photostructure/sqlite", "better-sqlite3"],
  optionsAt: ({ port }) => ({ redisConfig: { host: "127.0.0.1", port } }),
});
