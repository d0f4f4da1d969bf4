/** The examples of the original description, seed.md, cut out word for word. */
import { readFileSync } from "node:fs";

/** One fenced block, without its fences. */
export function seedBlocks(): string[] {
  const text = readFileSync(new URL("./seed.md", import.meta.url), "utf8");
  const blocks: string[] = [];
  let block: string[] | null = null;
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith("```")) {
      block?.push(line);
    } else if (block !== null) {
      blocks.push(block.join("\n"));
      block = null;
    } else if (lines[index + 1] !== "") {
      // After the first example there is one fence too many; it opens nothing.
      block = [];
    }
  }
  return blocks;
}

/** The examples by what they show, in the order of the description. */
export function seedExamples(): Record<
  "settings" | "basic" | "bound" | "two" | "retried" | "pushed" | "pushedAgain" | "data",
  string
> {
  const [settings, basic, bound, two, retried, pushed, pushedAgain, data, ...more] = seedBlocks();
  if (data === undefined || more.length > 0) throw new Error("seed.md is not what it was");
  return {
    settings: settings!,
    basic: basic!,
    bound: bound!,
    two: two!,
    retried: retried!,
    pushed: pushed!,
    pushedAgain: pushedAgain!,
    data,
  };
}
