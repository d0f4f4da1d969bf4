// Loads the package by require, and says what it exports.
const names = (exported) =>
  Object.keys(exported)
    .filter((name) => name !== "__esModule")
    .sort();

console.log(
  JSON.stringify({
    main: names(require("schedule-mq")),
    testing: names(require("schedule-mq/testing")),
    version: require("schedule-mq/package.json").version,
  }),
);
