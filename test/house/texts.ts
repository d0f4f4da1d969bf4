/** What every file says at its top, and what no file says at all. */
import { isCode, isLua, lineAt, type Offence, type SourceFile } from "./source.js";

/** A comment of a few words, before anything else but #! lines. */
const OPENING = /^(?:#!.*\n)*\s*(?:\/\*\*?|\/\/|--|#)\s*(?:\*\s*)?\S.{19,}/;

export function responsibility(files: readonly SourceFile[]): Offence[] {
  return files
    .filter((file) => isCode(file) || isLua(file) || file.path.startsWith(".ci/"))
    .filter((file) => !OPENING.test(file.text))
    .map(({ path }) => ({
      path,
      line: 1,
      what: "does not say what it is responsible for",
      fix: "begin it with a comment of one or two sentences",
    }));
}

interface Unwanted {
  pattern: RegExp;
  what: string;
  fix: string;
  /** Which files; default: all. */
  where?: (file: SourceFile) => boolean;
}

// In pieces, so that this file does not find itself.
const LATER = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|");

const LEFTOVERS: readonly Unwanted[] = [
  {
    pattern: new RegExp(`\\b(?:${LATER})\\b`, "g"),
    what: "leaves something for later",
    fix: "do it, or say in prose what is not covered and why",
  },
  {
    pattern: /\b(?:it|test|describe|bench)\.(?:only|skip|todo|fails)\b/g,
    what: "runs a part of the tests only",
    fix: "let it run, or delete it",
    where: (file) => file.path.startsWith("test/") && isCode(file),
  },
  {
    pattern: new RegExp("@ts-" + "(?:ignore|nocheck)", "g"),
    what: "turns the compiler off",
    fix: "write the type; @ts-expect-error is for tests of types",
    where: isCode,
  },
];

const STRANGERS: readonly Unwanted[] = [
  {
    pattern: /(?<![\w.)}*\]-])\/(?:work|root|home)\/[\w.]/g,
    what: "names a folder of one machine",
    fix: "derive it from the file's own place, the working directory or os.tmpdir()",
  },
  {
    pattern:
      /\bregistry\.[\w-]+\.\w{2,}|\b(?:deb|ftp|archive|security|snapshot)\.(?:debian|ubuntu)\./g,
    what: "names the host of a registry",
    fix: "use the one that the machine is set up with",
  },
  {
    pattern: /"resolved": "http/g,
    what: "says where a package came from",
    fix: "npm install --package-lock-only with the project's .npmrc",
    where: (file) => file.path.endsWith("package-lock.json"),
  },
];

/** Nothing is left for later, no test is left out. */
export function leftovers(files: readonly SourceFile[]): Offence[] {
  return search(files, LEFTOVERS);
}

/** Nothing ties the project to one machine. */
export function strangers(files: readonly SourceFile[]): Offence[] {
  return search(files, STRANGERS);
}

function search(files: readonly SourceFile[], unwanted: readonly Unwanted[]): Offence[] {
  return files.flatMap((file) =>
    unwanted
      .filter(({ where }) => where === undefined || where(file))
      .flatMap(({ pattern, what, fix }) =>
        [...file.text.matchAll(pattern)].map((match) => {
          const line = lineAt(file.text, match.index);
          return { path: file.path, line, what: `${what}: ${match[0]}`, fix };
        }),
      ),
  );
}
