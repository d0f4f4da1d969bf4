/** schedule-mq on Redis, with its defaults. */
import { scheduleMq } from "./ours.mjs";

export const system = scheduleMq("schedule-mq", true, ({ port }) => ({
  redisConfig: { host: "127.0.0.1", port },
}));
