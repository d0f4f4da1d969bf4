/** The set-up around the tests: it notices what is missing, and leaves nothing running. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkNode, staleReason } from "../scripts/lib/install.mjs";
import { projectFiles } from "../scripts/lib/project.mjs";
import { run } from "../scripts/lib/run.mjs";
import { findServer, serverEnvironment } from "../scripts/lib/servers.mjs";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "schedule-mq-scripts-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeLock(path: string, packages: object): void {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), JSON.stringify({ packages }));
}

describe("the set-up", () => {
  it("installs when a package is missing or of another version, but not for other systems'", () => {
    const locked = { "": {}, "node_modules/a": { version: "1.0.0" } };
    const foreign = { "node_modules/b": { version: "2.0.0", optional: true } };
    writeLock("package-lock.json", { ...locked, ...foreign });
    expect(staleReason(folder)).toBe("node_modules is missing");
    writeLock("node_modules/.package-lock.json", {});
    expect(staleReason(folder)).toBe("node_modules/a is missing, not 1.0.0");
    writeLock("node_modules/.package-lock.json", { "node_modules/a": { version: "1.0.1" } });
    expect(staleReason(folder)).toBe("node_modules/a is 1.0.1, not 1.0.0");
    writeLock("node_modules/.package-lock.json", locked);
    expect(staleReason(folder)).toBeNull();
  });

  it.each(["18.20.0", "20.18.3"])("refuses Node %s", (version) => {
    expect(() => checkNode(version)).toThrow(`>=20.19 is needed, this is ${version}`);
  });

  it.each(["20.19.0", "22.0.0", "26.1.0"])("takes Node %s", (version) => {
    expect(() => checkNode(version)).not.toThrow();
  });

  it("does not take files for the project's own that tools have put there", () => {
    for (const path of ["src/a.ts", "node_modules/b/b.js", "dist/c.js", ".cache/d", "e.tgz"]) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), "");
    }
    expect(projectFiles(folder)).toEqual(["src/a.ts"]);
  });

  it("finds a redis-server for the tests, and tells them where", () => {
    expect(serverEnvironment().SCHEDULE_MQ_REDIS_SERVER).toBe(findServer("redis"));
    expect(findServer("redis")).not.toBeNull();
  });
});

describe("a command that is run", () => {
  const node = (code: string) => run(process.execPath, ["-e", code]);

  it("reports its exit code and what it said", async () => {
    const { code, output, stragglers } = await node("console.log('said'); process.exitCode = 3");
    expect({ code, output, stragglers }).toEqual({ code: 3, output: "said\n", stragglers: [] });
  });

  // Only Linux lists the members of a process group.
  it.runIf(process.platform === "linux")("is not survived by what it started", async () => {
    const sleeper = "setInterval(() => {}, 1000) /* left behind */";
    const { stragglers } = await node(`
      const { spawn } = require("node:child_process");
      spawn(process.execPath, ["-e", ${JSON.stringify(sleeper)}], { stdio: "ignore" }).unref();
    `);
    expect(stragglers).toHaveLength(1);
    const pid = Number.parseInt(stragglers[0] ?? "", 10);
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  });
});

/** A zombie has ended; it only waits for its parent to notice. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
