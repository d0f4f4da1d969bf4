/** Faults of the network between one process and the server. */
import type { FaultProxy } from "../../support/fault-proxy.js";
import type { Arena } from "../kit/arena.js";
import type { Strike } from "./processes.js";

/**
 * Bytes of a connection that were lost never leave a gap: afterwards it is reset, or nobody tells
 * the client that it is dead.
 */
type Hit = (proxy: FaultProxy, lastMs: number, arena: Arena) => Promise<void>;

function strike(what: string, hit: Hit): Strike {
  return async (arena) => {
    const living = [...arena.living("worker"), ...arena.living("pusher")];
    if (living.length === 0) return;
    const { process, proxy } = arena.chance.pick(living);
    if (proxy === null) return;
    const lastMs = (0.25 + 2.75 * arena.chance.random()) * arena.rules.leaseMs;
    const about = { processes: [process.name] };
    await arena.fault(`net ${what}`, about, () => hit(proxy, lastMs, arena));
    proxy.set("none");
  };
}

export const hold = strike("hold", async (proxy, lastMs, arena) => {
  proxy.set("hold");
  await arena.lasting(lastMs);
});

/** Nothing passes any more, and nobody is told that the other end is gone. */
export const halfOpen = strike("half-open", async (proxy, lastMs, arena) => {
  proxy.set("blackHole");
  await arena.lasting(lastMs);
  proxy.abandon();
});

export const requestsLost = strike("requests lost", async (proxy, lastMs, arena) => {
  proxy.set("deaf");
  await arena.lasting(lastMs);
  proxy.cut();
});

export const repliesLost = strike("replies lost", async (proxy, lastMs, arena) => {
  proxy.set("mute");
  await arena.lasting(lastMs);
  proxy.cut();
});

export const reset = strike("reset", async (proxy) => proxy.cut());

export const refuse = strike("refuse", async (proxy, lastMs, arena) => {
  proxy.set("refuse");
  proxy.cut();
  await arena.lasting(lastMs);
});

export const late = strike("late", async (proxy, lastMs, arena) => {
  proxy.set("late");
  await arena.lasting(lastMs);
});

export const trickle = strike("trickle", async (proxy, lastMs, arena) => {
  proxy.set("trickle");
  await arena.lasting(lastMs);
});

/** The next request is carried out, its reply is lost, and the connection with it. */
export const lostReply = strike("lost reply", async (proxy, _lastMs, arena) => {
  proxy.set("mute");
  await Promise.race([proxy.nextReply(), arena.lasting(1_000)]);
  proxy.set("none");
  proxy.cut();
});
