/** Our own parts below the public face, as the build left them. */

/** @param {string} path in dist */
const built = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);

/** @returns {Promise<import("./own-counts.mjs").Own>} */
export async function builtOwn() {
  /** @type {typeof import("../../src/store/redis/store.js")} */
  const { createRedisStore } = await built("store/redis/store.js");
  /** @type {typeof import("../../src/clock.js")} */
  const { systemClock: clock } = await built("clock.js");
  /** @type {typeof import("../../src/chance.js")} */
  const { systemChance: chance } = await built("chance.js");
  /** @type {typeof import("../../src/core/keep.js")} */
  const { DEFAULT_KEEP: keep } = await built("core/keep.js");
  /** @type {typeof import("../../src/core/payload.js")} */
  const { encodePayload, decodePayload: decode } = await built("core/payload.js");
  const place = { where: "push", limitBytes: 1_048_576 };
  return {
    keep,
    decode,
    encode: (data) => encodePayload(data, place),
    storeAt: (port, identity) =>
      createRedisStore({
        redis: { host: "127.0.0.1", port },
        prefix: "_schedule_mq:",
        identity,
        clock,
        chance,
      }),
  };
}
