/** What a case of the bench is, and all cases in the order in which they run. */

/** @typedef {Readonly<Record<string, number>>} Size numbers that the mode decides, such as jobs */

/**
 * A column of a case's table.
 * @typedef {object} Metric
 * @property {string} key of the figure
 * @property {string} title with its unit
 * @property {"more" | "less" | null} better null: not to be compared
 * @property {number} digits after the point
 */

/**
 * What one measurement came to.
 * @typedef {object} Outcome
 * @property {Record<string, number>} figures by metric; left out: does not apply
 * @property {string[]} problems what was not correct; empty: all is well
 * @property {string[]} [notes] what is worth a line below the table
 */

/**
 * @typedef {object} Case
 * @property {string} key
 * @property {(size: Size) => string} title
 * @property {{ quick: Size, full: Size }} sizes
 * @property {readonly Metric[]} metrics the first one is the case's own, its spread is shown
 * @property {boolean} [together] systems do not disturb each other and are measured all at once
 * @property {boolean} [redisOnly]
 * @property {readonly string[]} [systems] only these
 * @property {boolean} [once] in the first round only: counts that are the same in each
 * @property {boolean} [fullOnly] left out of a quick run, unless it is named
 * @property {Partial<import("./system.mjs").Mode>} [mode]
 * @property {(scene: import("./scene.mjs").Scene) => Promise<Outcome>} run
 */

/** CPU per job: steadier than rates on a machine that others use, too. @type {Metric[]} */
export const COSTS = [
  { key: "nodeUs", title: "Node µs/job", better: "less", digits: 1 },
  { key: "redisUs", title: "Redis µs/job", better: "less", digits: 1 },
];

/**
 * @param {string} title
 * @returns {Metric}
 */
export const rate = (title) => ({ key: "perSecond", title, better: "more", digits: 0 });

/** Those of this library: for cases that ask for what only it has. */
export const OWN_SYSTEMS = Object.freeze(["redis", "embedded"]);

/** @returns {Promise<readonly Case[]>} */
export async function loadCases() {
  const files = await Promise.all([
    import("../cases/enqueue.mjs"),
    import("../cases/drain.mjs"),
    import("../cases/commands.mjs"),
    import("../cases/bytes.mjs"),
    import("../cases/start.mjs"),
    import("../cases/workers.mjs"),
    import("../cases/handlers.mjs"),
    import("../cases/mix.mjs"),
    import("../cases/latency.mjs"),
    import("../cases/loop.mjs"),
    import("../cases/idle.mjs"),
    import("../cases/parked.mjs"),
    import("../cases/options.mjs"),
  ]);
  return files.flatMap((file) => file.cases);
}
