/** Claims about the demo; only its set-up (install, build) is left out. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../scripts/lib/project.mjs";
import { run } from "../../scripts/lib/run.mjs";

const SHOW = JSON.stringify(join(ROOT, "scripts/demo/show.mjs"));

test.concurrent.each([{ redis: false }, { redis: true }, { cluster: true }])(
  "with %o it finds everything as promised",
  async (options) => {
    const program = `
    const { show } = await import(${SHOW});
    process.exitCode = await show(${JSON.stringify(options)});
  `;
    const { code, output, stragglers } = await run(process.execPath, [
      "--input-type=module",
      "--eval",
      program,
    ]);
    expect(output.match(/^✓/gm), output).toHaveLength(5);
    expect({ code, stragglers }).toEqual({ code: 0, stragglers: [] });
    // Not a terminal: nothing but text.
    expect(output).not.toContain("\u001b");
  },
  60_000,
);
