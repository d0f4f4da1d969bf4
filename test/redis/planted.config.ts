/** How `planted.ts` is run: it is no test file of its own, since most of what it holds fails. */
import config from "../../vitest.config.js";

export default { ...config, test: { ...config.test, include: ["test/redis/planted.ts"] } };
