/** Faults of the embedded store: its file is locked, and the power of the machine fails. */
import { openRaw } from "../../sqlite/raw.js";
import type { Strike } from "./processes.js";

export const lockFile: Strike = async (arena) => {
  const raw = await openRaw(arena.sqlite.path);
  await arena.fault("down: locked", {}, async () => {
    try {
      raw.exec("BEGIN EXCLUSIVE");
      await arena.lasting(arena.chance.between(500, 4_000));
      raw.exec("ROLLBACK");
    } catch {
      // Somebody else held it for longer than this waits.
    } finally {
      raw.close();
    }
  });
};

/** All processes end at once, and of the file remains what was on the disk. */
export const cutMachinePower: Strike = async (arena) => {
  const loss = arena.sqlite.durability === "fsync" ? {} : { lossMs: -1 };
  const reopen = arena.holdReplacements();
  const living = arena.placed.filter(({ process }) => process.alive);
  const processes = living.map(({ process }) => process.name);
  await arena.fault("power cut", { ...loss, processes }, async () => {
    for (const { process } of living) process.kill();
    await Promise.all(living.map(({ process }) => process.ended));
    arena.sqlite.cutPower();
    await arena.lasting(arena.chance.between(100, 500));
    reopen();
    await arena.somebodyUp();
  });
};
