/** schedule-mq on its embedded store, with full durability: its default. */
import { join } from "node:path";
import { scheduleMq } from "./ours.mjs";

export const system = scheduleMq("schedule-mq embedded", false, ({ folder }) => ({
  store: { path: join(folder, "store.db") },
}));
