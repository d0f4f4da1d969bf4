/** A process may end as soon as stop() has resolved, whatever its threads were at. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const LEAVER = join(import.meta.dirname, "programs/leaver.mjs");

test("a process that leaves while its journal was being moved is not aborted", () => {
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-system-"));
  try {
    for (let k = 0; k < 5; k += 1) {
      const path = join(folder, `${k}.db`);
      const { status, signal, stderr } = spawnSync(process.execPath, [LEAVER, path]);
      const said = stderr.toString();
      expect({ status, signal, said }).toEqual({ status: 0, signal: null, said: "" });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
