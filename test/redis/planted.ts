/**
 * The tests of one file once for each of some bugs, until the first one that fails. `PLANTED_RUN`
 * names the file, and the bugs as the text that each changes and what stands there then. All in one
 * process, since starting one for each would take longer than the tests.
 */
import { beforeAll, beforeEach, describe } from "vitest";

const { file, bugs } = JSON.parse(process.env.PLANTED_RUN ?? "") as {
  file: string;
  bugs: [from: string, to: string][];
};

for (const [n, bug] of bugs.entries()) {
  describe(String(n), async () => {
    let isFound = false;
    beforeAll(() => {
      process.env.PLANTED = JSON.stringify(bug);
    });
    beforeEach((context) => {
      context.skip(isFound);
      context.onTestFailed(() => {
        isFound = true;
      });
    });
    // Another name each time: a module of the same name is not run again.
    await import(/* @vite-ignore */ `./${file}?bug=${n}`);
  });
}
