/** Every code block of the documentation does what it says; TypeScript also compiles. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type TestServer } from "../support/servers.js";
import { compiled, type Program, type UserProject, userProject } from "../support/user-project.js";
import { type Block, blocksOf, pages } from "./blocks.js";
import { setupOf } from "./setups.js";

const URL_IN_TEXTS = "redis://127.0.0.1:6379";
const blocks = pages().flatMap((page) => blocksOf(page));

let server: TestServer;
const projects = new Map<Block, UserProject>();

beforeAll(async () => {
  server = await startServer();
}, 30_000);

afterAll(async () => {
  await Promise.all([...projects.values()].map((project) => project.remove()));
  await server?.stop();
});

/** Each block has a project, and so an embedded store, of its own. */
function projectOf(block: Block): UserProject {
  const project = userProject();
  projects.set(block, project);
  project.write(fileOf(block), programOf(block));
  return project;
}

function fileOf({ language }: Block): string {
  return language === "js" ? "program.mjs" : "program.mts";
}

function programOf({ code, setup, language }: Block): string {
  const { before, after } = setup === null ? { before: "", after: "" } : setupOf(setup, language);
  const text = `${before}\n${code}\n${after}\n`;
  return text.replaceAll(URL_IN_TEXTS, `redis://${server.host}:${server.port}/1`);
}

async function runs(program: Program, { until, prints }: Block): Promise<void> {
  if (until !== null) {
    await program.prints(until);
    const { code, signal } = await program.kill("SIGTERM");
    expect([0, "SIGTERM"], program.said).toContain(signal ?? code);
    return;
  }
  expect(await program.exit, program.said).toEqual({ code: 0, signal: null });
  if (prints !== null) expect(program.said).toContain(prints);
}

describe.concurrent("the code of the documentation", () => {
  it.each(blocks)(
    "$place does what it says",
    async (block) => {
      const project = projectOf(block);
      if (block.language === "ts") expect(await project.compile()).toBe("");
      const file = fileOf(block);
      const program = project.start(block.language === "ts" ? compiled(file) : file);
      await runs(program, block);
    },
    60_000,
  );
});

describe("a block of the documentation", () => {
  const page = (...lines: string[]): string => ["text", ...lines].join("\n");

  it("has to say how it is run", () => {
    expect(() => blocksOf("docs/x.md", page("```js", "1;", "```"))).toThrow("docs/x.md:2: no <!--");
    const said = page('<!-- run setup:a prints:"b" -->', "```js", "1;", "```");
    expect(blocksOf("docs/x.md", said)).toMatchObject([{ code: "1;", setup: "a", prints: "b" }]);
  });

  it("has a language that somebody knows", () => {
    expect(() => blocksOf("docs/x.md", page("```jsx", "1", "```"))).toThrow('a block of "jsx"');
    expect(() => blocksOf("README.md", page("```", "1", "```"))).toThrow('a block of ""');
    expect(() => blocksOf("docs/x.md", page("```js", "1"))).toThrow("without an end");
    expect(blocksOf("docs/x.md", page("```sh", "ls", "```"))).toEqual([]);
  });

  it("names a setup that exists", () => {
    expect(() => setupOf("nothing", "js")).toThrow("nothing");
  });
});

it("the documentation has code", () => {
  expect(blocks.length).toBeGreaterThan(15);
});
