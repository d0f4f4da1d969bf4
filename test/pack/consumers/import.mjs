// Loads the package as a module, and says what it exports.
import * as main from "schedule-mq";
import manifest from "schedule-mq/package.json" with { type: "json" };
import * as testing from "schedule-mq/testing";

console.log(
  JSON.stringify({
    main: Object.keys(main).sort(),
    testing: Object.keys(testing).sort(),
    version: manifest.version,
  }),
);
