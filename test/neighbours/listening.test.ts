/** What was open to the world elsewhere: nothing here is, since nothing listens. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer, Server } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { until } from "../support/until.js";
import { withFleet } from "../system/kit/fleet.js";
import { KINDS } from "../system/kit/worlds.js";
import { withScene } from "./scene.js";

/** Sockets that listen, of the whole machine, by what the system calls them. */
function listening(): Set<string> {
  const lines = (name: string) => readFileSync(`/proc/net/${name}`, "utf8").split("\n").slice(1);
  const fields = (name: string) => lines(name).map((line) => line.trim().split(/\s+/));
  const ofIp = ["tcp", "tcp6"]
    .filter((name) => existsSync(`/proc/net/${name}`))
    .flatMap(fields)
    .filter(([, , , state]) => state === "0A")
    .map((line) => line[9] ?? "");
  const ofUnix = fields("unix")
    .filter(([, , , flags]) => (Number.parseInt(flags ?? "0", 16) & 0x10_000) !== 0)
    .map((line) => line[6] ?? "");
  return new Set([...ofIp, ...ofUnix]);
}

/** What of these a process holds open, its threads included. */
function listeningOf(pid: number): string[] {
  const sockets = listening();
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && sockets.has(inode) ? [inode] : [];
    } catch {
      // closed since it was listed
      return [];
    }
  });
}

const every = { taskId: "task", every: 100 } as const;

describe("PatchMon/PatchMon#248, Juliusolsson05/pharos-ai#87", () => {
  test.runIf(existsSync("/proc/net/tcp")).each(KINDS)(
    "19: a process with a scheduler, its threads included, has no socket that listens (%s)",
    (kind) =>
      withFleet({ kind }, async (fleet) => {
        const { pid } = await fleet.worker({ schedules: [every] });
        await until("jobs to have run", () => fleet.journal.ends().length > 2, 10_000);
        expect(listeningOf(pid)).toEqual([]);
        // It would have been found.
        const open = createServer();
        await new Promise<void>((resolve) => void open.listen(0, "127.0.0.1", resolve));
        expect(listeningOf(process.pid).length).toBeGreaterThan(0);
        open.close();
      }),
  );

  test.each(KINDS)("19: starting a scheduler, pushing and running open no port (%s)", (kind) =>
    withScene(kind, async (scene) => {
      const listen = vi.spyOn(Server.prototype, "listen");
      await scene.worker({ schedules: [{ every: 100 }] });
      await scene.begun((await scene.create().push("task")).id);
      await until("occurrences to fire", () => scene.ran.length > 2);
      expect(listen).not.toHaveBeenCalled();
      listen.mockRestore();
    }),
  );
});
