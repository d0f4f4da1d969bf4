/**
 * The rights that a user of the server needs: protocol/rights.json is the list, and what is derived
 * from it stands in the source and in the documentation.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./project.mjs";

/**
 * @typedef {object} Needed
 * @property {string[]} sent what clients send
 * @property {string[]} inScripts what scripts call
 */

/**
 * @typedef {object} Rights names as ACL SETUSER spells them, sorted
 * @property {Needed} single on a server of its own, also one that Sentinels watch
 * @property {Needed} cluster on each node of a Cluster
 * @property {string[]} spare what is asked for and done without
 * @property {string[]} doctor what `doctor()` takes beside those of `single`
 * @property {string[]} durability what `durability` takes beside those of `single`
 * @property {string[]} db what a database other than 0 takes beside those of `single`
 * @property {Record<string, string>} samples each command, as ACL DRYRUN takes it
 */

/** @typedef {{ sent: string[], inScripts: string[], spare: string[] }} Took what a run took */

/** @typedef {Took & { samples: Record<string, string> }} Recorded */

/** @typedef {"doctor" | "durability" | "db"} Extra */

/** @typedef {"single" | "cluster" | Extra} Part */

/**
 * Parts that not everybody uses, and which dangerous commands are worth to be given for them.
 * @type {Readonly<Record<Extra, readonly string[]>>}
 */
export const EXTRAS = Object.freeze({
  doctor: ["info", "config|get", "acl|whoami", "acl|dryrun"],
  durability: ["info"],
  db: [],
});

/** The parts of a run, each recorded in a file of its name. @type {readonly Part[]} */
export const PARTS = Object.freeze(["single", "cluster", "doctor", "durability", "db"]);

const LIST = "protocol/rights.json";
const SOURCE = "src/store/redis/rights-list.ts";

/** As the library uses it by default. */
const PREFIX = "_schedule_mq:";

/**
 * The list, from what the parts of a run took.
 * @param {Record<Part, Recorded>} records
 * @returns {Rights}
 */
export function listOf(records) {
  const { single, cluster } = records;
  const base = new Set([...single.sent, ...single.inScripts]);
  /** @param {Extra} part */
  const beside = (part) => records[part].sent.filter((name) => !base.has(name));
  /** @param {Recorded} record */
  const needed = ({ sent, inScripts }) => ({ sent, inScripts });
  const spare = [...new Set(PARTS.flatMap((part) => records[part].spare))].sort();
  return {
    ...{ single: needed(single), cluster: needed(cluster), spare },
    ...{ doctor: beside("doctor"), durability: beside("durability") },
    ...{ db: beside("db") },
    samples: { ...single.samples, ...cluster.samples },
  };
}

/** @param {string} root @param {string} path */
function read(root, path) {
  return readFileSync(join(root, path), "utf8").replaceAll("\r\n", "\n");
}

/** @param {string} [root] @returns {Rights} */
export function readRights(root = ROOT) {
  return JSON.parse(read(root, LIST));
}

/**
 * What each file that is derived from a list has to contain, by its path; the list among them.
 * @param {Rights} rights
 * @param {string} [root] the folder of the repository
 * @returns {Map<string, string>}
 */
export function derived(rights, root = ROOT) {
  const files = new Map([
    [LIST, `${JSON.stringify(rights, null, 2)}\n`],
    [SOURCE, sourceOf(rights)],
  ]);
  const pages = {
    "docs/security.md": { user: userOf(rights.single), more: tableOf(rights) },
    "docs/cluster.md": { cluster: userOf(rights.cluster) },
    "protocol/PROTOCOL.md": { commands: commandsOf(rights) },
  };
  for (const [path, sections] of Object.entries(pages)) {
    let text = read(root, path);
    for (const [name, body] of Object.entries(sections))
      text = replaced(text, { path, name, body });
    files.set(path, text);
  }
  return files;
}

/**
 * @param {string} text
 * @param {{ path: string, name: string, body: string }} section
 * @returns {string}
 */
function replaced(text, { path, name, body }) {
  const begin = `<!-- rights: ${name}, written by \`npm run rights\` -->`;
  const end = "<!-- rights: end -->";
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`${path} has no place for "${name}": ${begin}`);
  return `${text.slice(0, from + begin.length)}\n\n${body}\n\n${text.slice(to)}`;
}

const COLUMNS = 100;

/** @param {readonly string[]} words @param {string} indent */
function wrapped(words, indent) {
  const lines = [""];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (indent.length + longer.length > COLUMNS) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line) => indent + line).join("\n");
}

/** @param {Needed} needed */
const allOf = ({ sent, inScripts }) => [...new Set([...sent, ...inScripts])].sort();

/** A user with these rights. @param {Needed} needed */
function userOf(needed) {
  const reach = `resetkeys ~${PREFIX}* resetchannels &${PREFIX}* -@all`;
  const rights = wrapped(
    allOf(needed).map((name) => `+${name}`),
    "  ",
  );
  return `\`\`\`text\nACL SETUSER scheduler on >a-long-random-word ${reach}\n${rights}\n\`\`\``;
}

/** @param {readonly string[]} names in a cell of a table */
const cell = (names) => names.map((name) => `\`+${name.replace("|", "\\|")}\``).join(" ");

/** @param {Rights} rights */
function tableOf({ spare, doctor, durability, db }) {
  const spareFor =
    "asked for by everybody, and done without: the line at the start that says what can be lost, " +
    "name and version in `CLIENT LIST` (`setinfo`: servers from 7.2 on), a sign of life that " +
    "a refusal gives as well";
  const durable = "[`durability`](promises.md#durability-on-redis)";
  const rows = [
    ["Right", "For"],
    ["---", "---"],
    [cell(spare), spareFor],
    [cell(doctor), "[`doctor()`](doctor.md): it says `unknown` without them"],
    [cell(durability), `${durable} \`"fsync"\` and \`"replicas"\``],
    [cell(db), "a `db` other than 0"],
  ];
  return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** @param {Rights} rights */
function commandsOf({ single, cluster, spare }) {
  /** @param {readonly string[]} names @param {readonly string[]} [without] */
  const words = (names, without = []) =>
    names
      .filter((name) => !without.includes(name))
      .map((name) => name.toUpperCase())
      .join(" ");
  /** @param {string} title @param {string} text */
  const item = (title, text) =>
    wrapped(`- ${title}: ${text}.`.split(" "), "").replace(/\n/g, "\n  ");
  return [
    item("Clients send", words(single.sent)),
    item("Scripts call", words(single.inScripts)),
    item("On a Cluster clients send, beside them", words(cluster.sent, single.sent)),
    item("On a Cluster scripts call, beside them", words(cluster.inScripts, single.inScripts)),
    item("Clients do not send there", words(single.sent, cluster.sent)),
    item("Scripts do not call there", words(single.inScripts, cluster.inScripts)),
    item("Asked for, and MAY be forbidden", words(spare)),
  ].join("\n");
}

/** As the formatter wants it. @param {string} name @param {readonly string[]} values */
function constant(name, values) {
  const head = `export const ${name}: readonly string[] = [`;
  const words = values.map((value) => JSON.stringify(value));
  const line = `${head}${words.join(", ")}];`;
  return line.length <= COLUMNS
    ? line
    : `${head}\n${words.map((word) => `  ${word},\n`).join("")}];`;
}

/** @param {Rights} rights */
function sourceOf({ single, cluster, samples }) {
  /** @param {Needed} needed */
  const tries = (needed) => allOf(needed).map((name) => samples[name] ?? name.toUpperCase());
  return `/**
 * What a user of the server has to be allowed, each command as "ACL DRYRUN" takes it: K stands for
 * a key, C for a channel. Generated by "npm run rights" from what a run of the tests sent.
 */

${constant("ON_ONE_SERVER", tries(single))}

${constant("ON_A_CLUSTER", tries(cluster))}
`;
}
