/** Faults of processes: killed, stopped for a while, restarted as in a deploy. */
import type { Arena, Placed } from "../kit/arena.js";

/** One fault, from its beginning to its end. */
export type Strike = (arena: Arena) => Promise<void>;

export function victim(arena: Arena, role: "worker" | "pusher"): Placed | null {
  const living = arena.living(role);
  return living.length === 0 ? null : arena.chance.pick(living);
}

export const killWorker: Strike = (arena) => kill(arena, "worker");

export const killPusher: Strike = (arena) => kill(arena, "pusher");

async function kill(arena: Arena, role: "worker" | "pusher"): Promise<void> {
  const chosen = victim(arena, role);
  if (chosen === null) return;
  await arena.fault(`kill ${role}`, { processes: [chosen.process.name] }, async () => {
    chosen.process.kill();
    await chosen.process.ended;
  });
}

/** SIGSTOP for a part of a lease, or for several leases. */
export function freeze(share: number): Strike {
  return async (arena) => {
    const chosen = victim(arena, "worker");
    if (chosen === null) return;
    const { process } = chosen;
    const ms = share * arena.rules.leaseMs;
    const stop = () =>
      arena.fault("stop", { processes: [process.name] }, async () => {
        process.freeze();
        await arena.lasting(ms);
        process.thaw();
      });
    // Who stands still in the middle of a transaction holds up all others.
    if (arena.store.kind === "sqlite") await arena.fault("lock may be held", {}, stop);
    else await stop();
  };
}

/** As a rolling deploy does: one ends, another one takes its place. */
export const restartWorker: Strike = async (arena) => {
  const chosen = victim(arena, "worker");
  if (chosen === null) return;
  await arena.fault("SIGTERM", { processes: [chosen.process.name] }, async () => {
    chosen.process.terminate();
    await arena.lasting(arena.chance.between(100, 1_000));
  });
};
