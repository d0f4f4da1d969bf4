/** Faults of the server: killed, without power, frozen, full, read-only, forgetful, mistaken. */
import { kill } from "node:process";
import { until } from "../../support/until.js";
import type { Arena } from "../kit/arena.js";
import type { Persistence } from "../kit/store.js";
import type { Strike } from "./processes.js";

/** What a server of each kind may forget when it is killed: the kernel keeps what was written. */
const KILL_LOSS: Record<Persistence, { lossMs?: number }> = {
  always: {},
  everysec: {},
  snapshots: { lossMs: -1 },
  none: { lossMs: -1 },
};

/** The same when the power fails: everysec means once a second, and one may be late. */
const POWER_LOSS: Record<Persistence, { lossMs?: number }> = {
  ...KILL_LOSS,
  everysec: { lossMs: 2_000 },
};

export const killServer: Strike = async (arena) => {
  const { redis, chance } = arena;
  await arena.fault("down: killed", KILL_LOSS[redis.persistence], async () => {
    await redis.crash();
    await arena.lasting(chance.between(100, 2_500));
    await redis.start();
  });
};

export const cutPower: Strike = async (arena) => {
  const { redis, chance } = arena;
  await arena.fault("down: power cut", POWER_LOSS[redis.persistence], async () => {
    await redis.crash();
    const isTorn = chance.random() < 0.5;
    redis.shim?.cutAppended(() => (isTorn ? chance.random() : 0));
    await arena.lasting(chance.between(100, 2_500));
    await redis.start();
  });
};

/** It needs seconds to read its file, and answers LOADING meanwhile. */
export const loadSlowly: Strike = async (arena) => {
  const { redis } = arena;
  await arena.fault("down: loading", KILL_LOSS[redis.persistence], async () => {
    await redis.crash();
    await redis.start(["--key-load-delay", "100"]);
  });
  await redis.client.config("SET", "key-load-delay", "0").catch(() => {});
};

export const freezeServer: Strike = async (arena) => {
  const { pid } = arena.redis;
  await arena.fault("down: stopped", {}, async () => {
    kill(pid, "SIGSTOP");
    await arena.lasting(arena.chance.between(500, 5_000));
    kill(pid, "SIGCONT");
  });
};

/** For a while, then undone. */
function spell(
  kind: string,
  about: { works?: boolean; lossMs?: number },
  begin: (arena: Arena) => Promise<unknown>,
  finish: (arena: Arena) => Promise<unknown>,
): Strike {
  return (arena) =>
    arena.fault(kind, about, async () => {
      await begin(arena);
      await arena.lasting(arena.chance.between(500, 3_000));
      await finish(arena);
    });
}

export const pauseAll: Strike = (arena) =>
  arena.fault("CLIENT PAUSE ALL", {}, async () => {
    const ms = arena.chance.between(500, 3_000);
    await arena.redis.client.call("CLIENT", "PAUSE", String(ms), "ALL");
    await arena.lasting(ms);
  });

export const pauseWrites: Strike = (arena) =>
  arena.fault("CLIENT PAUSE WRITE", {}, async () => {
    const ms = arena.chance.between(500, 3_000);
    await arena.redis.client.call("CLIENT", "PAUSE", String(ms), "WRITE");
    await arena.lasting(ms);
  });

export const killClients =
  (kind: "normal" | "pubsub"): Strike =>
  (arena) =>
    arena.fault(`CLIENT KILL ${kind}`, {}, async () => {
      await arena.redis.client.call("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes");
    });

export const flushScripts: Strike = (arena) =>
  arena.fault("SCRIPT FLUSH", {}, async () => void (await arena.redis.client.script("FLUSH")));

export const flushScriptsOften: Strike = (arena) =>
  arena.fault("SCRIPT FLUSH, often", {}, async () => {
    for (let n = 0; n < 100; n += 1) {
      await arena.redis.client.script("FLUSH");
      await arena.lasting(10);
    }
  });

/** Enough is waiting, so that one can see whether a full server still hands it out. */
export const outOfMemory: Strike = async (arena) => {
  for (const { process } of arena.living("pusher")) process.tell("surge");
  await arena.lasting(200);
  await arena.fault("OOM", { works: true }, async () => {
    await arena.redis.client.config("SET", "maxmemory", "1");
    await arena.lasting(2_500);
    await arena.redis.client.config("SET", "maxmemory", "0");
  });
};

export const readOnly: Strike = spell(
  "READONLY",
  {},
  ({ redis }) => redis.client.call("REPLICAOF", "127.0.0.1", "1"),
  ({ redis }) => redis.client.call("REPLICAOF", "NO", "ONE"),
);

/** The user may not run scripts any more; handlers go on. */
export const denied: Strike = spell(
  "NOPERM",
  {},
  ({ redis }) => redis.client.call("ACL", "SETUSER", "default", "-evalsha", "-eval"),
  ({ redis }) => redis.client.call("ACL", "SETUSER", "default", "+evalsha", "+eval"),
);

/** Somebody else's script does not end, so that the server answers BUSY to all. */
export const busy: Strike = async (arena) => {
  const { client } = arena.redis;
  const other = client.duplicate();
  other.on("error", () => {});
  await arena.fault("BUSY", {}, async () => {
    await client.config("SET", "busy-reply-threshold", "100");
    other.eval("while true do end", 0).catch(() => {});
    await arena.lasting(arena.chance.between(500, 3_000));
    const isKilled = () => client.script("KILL").then(Boolean, () => false);
    await until("the script to be ended", isKilled);
  });
  other.disconnect();
};

/** With appendfsync everysec the server lives on and answers MISCONF. */
export const fullDisk: Strike = spell(
  "disk full",
  {},
  async ({ store }) => store.shim?.setFull(true),
  async ({ store }) => store.shim?.setFull(false),
);

/** With appendfsync always the server ends at its first write. */
export const fullDiskEndsServer: Strike = (arena) =>
  arena.fault("down: disk full", {}, async () => {
    arena.store.shim?.setFull(true);
    await arena.lasting(arena.chance.between(500, 2_000));
    arena.store.shim?.setFull(false);
    await arena.redis.crash();
    await arena.redis.start();
  });

export const flushAll: Strike = (arena) =>
  arena.fault("FLUSHALL", { lossMs: -1 }, async () => void (await arena.redis.client.flushall()));

const DRIFT_STEP_MS = 50;

/** The server's clock goes too fast or too slowly for seconds, then as much the other way. */
export const driftClock =
  (percent: number): Strike =>
  (arena) => {
    const words = `clock ${percent > 0 ? "+" : "−"}${Math.abs(percent)} %`;
    const steps = Math.round(arena.chance.between(1_500, 3_000) / DRIFT_STEP_MS);
    const stepMs = (DRIFT_STEP_MS * percent) / 100;
    return arena.fault(words, { jumpMs: stepMs * steps }, async () => {
      for (let n = 1; n <= 2 * steps; n += 1) {
        arena.store.shim?.setClock(stepMs * (n <= steps ? n : 2 * steps - n));
        await arena.lasting(DRIFT_STEP_MS);
      }
    });
  };

/** The server's clock goes elsewhere and, some seconds later, comes back. */
export const jumpClock =
  (minutes: number): Strike =>
  (arena) => {
    const jumpMs = minutes * 60_000;
    const words = `clock ${minutes > 0 ? "+" : "−"}${Math.abs(minutes)} min`;
    return arena.fault(words, { jumpMs }, async () => {
      arena.store.shim?.setClock(jumpMs);
      await arena.lasting(arena.chance.between(500, 4_000));
      arena.store.shim?.setClock(0);
    });
  };
