/**
 * A thread of its own that moves the journal into the database file, told when by `Checkpoints`:
 * this waits for the disk twice, and would stop the event loop meanwhile.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { loadDriver } from "./driver.js";

interface Progress {
  /** 1: somebody was in the way. */
  busy: number;
  /** Pages that stand in the journal, and how many of them are in the database file, too. */
  log: number;
  checkpointed: number;
}

/** From here on the journal is started anew, for which writers must wait a moment. */
const LONG_JOURNAL = 2_000;

/** Holds up only this thread. */
const SETTINGS = `
PRAGMA busy_timeout = 100;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -512;
`;

async function serve(port: MessagePort): Promise<void> {
  const handle = (await loadDriver()).open(workerData as string);
  handle.exec(SETTINGS);
  // nobody waits for it; while writers go on it leaves the latest pages, which the second one takes
  const passive = handle.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  const restart = handle.prepare("PRAGMA wal_checkpoint(RESTART)");
  port.on("message", (message: "move" | "close") => {
    if (message === "close") {
      handle.close();
      port.close();
      return;
    }
    try {
      const { log } = passive.get() as Progress;
      if (log >= LONG_JOURNAL) restart.get();
    } catch {
      // a lock or the disk: whoever writes next meets it, too, and tells
    }
    port.postMessage("done");
  });
  port.postMessage("done");
}

// a rejection ends the thread, and SQLite does without it
if (parentPort !== null) void serve(parentPort);
