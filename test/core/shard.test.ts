/** Where tasks and jobs are in a store of several shards: what every client must agree on. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { placeOfId, shardOfTask, shardsOfTask } from "../../src/core/shard.js";

interface Case {
  name: string;
  task: string;
  shards: number;
  over: number;
  places: number[];
  ids: Record<string, number>;
}

const file = new URL("../../protocol/cases/shard.json", import.meta.url);
const CASES = JSON.parse(readFileSync(file, "utf8")) as Case[];

describe("the shards of a task", () => {
  it.each(CASES)("$name", ({ task, shards, over, places, ids }) => {
    expect(shardsOfTask(task, { shards, over })).toEqual(places);
    expect(shardOfTask(task, shards)).toBe(places[0]);
    const found = Object.keys(ids).map((id) => [id, places[placeOfId(id, places.length)]]);
    expect(Object.fromEntries(found)).toEqual(ids);
  });

  it("are as many as were asked for, each another one", () => {
    for (const shards of [1, 2, 3, 5, 16]) {
      for (let over = 1; over <= 16; over += 1) {
        const places = shardsOfTask("task", { shards, over });
        expect(new Set(places).size).toBe(Math.min(over, shards));
      }
    }
  });
});
