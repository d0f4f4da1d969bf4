/**
 * Brings a program from the Debian archive that this machine uses, unpacked into a folder: the
 * system is not changed, no service is started, and root is not needed.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { run } from "./run.mjs";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** True where this can work at all. */
export function hasApt() {
  return ["/usr/bin/apt-get", "/usr/bin/dpkg-deb"].every((path) => existsSync(path));
}

/**
 * A private apt: own package lists and sources, but the system's knowledge of what is installed.
 * Opening it reads the package lists once.
 * @param {string} home folder for lists and downloads
 */
export async function openApt(home) {
  mkdirSync(join(home, "lists/partial"), { recursive: true });
  const sources = join(home, "sources.list");
  writeFileSync(sources, await ownSources());
  const options = Object.entries({
    "APT::Sandbox::User": "root",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": "20",
    "Acquire::Languages": "none",
    "Debug::NoLocking": "true",
    "Dir::Etc::sourcelist": sources,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::lists": join(home, "lists"),
    "Dir::Cache": home,
  }).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  await apt([...options, "update", "-qq"]);
  return {
    /**
     * Unpacks these packages, and everything that they need and the system does not have.
     * @param {readonly string[]} names
     * @param {string} folder replaced when it exists
     */
    async unpack(names, folder) {
      const debs = join(home, `debs-${names[0]}`);
      rmSync(debs, { recursive: true, force: true });
      mkdirSync(join(debs, "partial"), { recursive: true });
      const place = ["-o", `Dir::Cache::archives=${debs}`];
      // "--reinstall": the named ones are unpacked even where the system has them.
      const quietly = ["--download-only", "--no-install-recommends", "--reinstall", "-y", "-qq"];
      await apt([...options, ...place, "install", ...quietly, ...names]);
      const fresh = `${folder}.new`;
      rmSync(fresh, { recursive: true, force: true });
      mkdirSync(fresh, { recursive: true });
      for (const deb of readdirSync(debs).filter((file) => file.endsWith(".deb"))) {
        await must("dpkg-deb", ["-x", join(debs, deb), fresh]);
      }
      rmSync(folder, { recursive: true, force: true });
      renameSync(fresh, folder);
      rmSync(debs, { recursive: true, force: true });
    },
  };
}

/**
 * The archive that this system was set up with, and its backports: no host is named here.
 * @returns {Promise<string>}
 */
async function ownSources() {
  const release = readFileSync("/etc/os-release", "utf8");
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1];
  if (codename === undefined) throw new Error("/etc/os-release names no release");
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
  const targets = ["--no-release-info", "indextargets", "--format", format];
  const listed = await apt([...targets, "Created-By: Packages"]);
  const signed =
    existsSync(KEYRING) && /^ID=debian$/m.test(release) ? `[signed-by=${KEYRING}] ` : "";
  /** @type {Set<string>} */
  const lines = new Set();
  for (const line of listed.split("\n")) {
    const [uri, suite, component] = line.split(" ");
    // Other people's archives have suites of their own.
    if (suite !== codename && !suite?.startsWith(`${codename}-`)) continue;
    lines.add(`deb ${signed}${uri} ${suite} ${component}`);
    if (suite === codename && /^ID=debian$/m.test(release)) {
      lines.add(`deb ${signed}${uri} ${codename}-backports ${component}`);
    }
  }
  if (lines.size === 0) throw new Error("this system's apt sources name no archive of its release");
  return `${[...lines].join("\n")}\n`;
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<string>}
 */
function apt(args) {
  return must("apt-get", args);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<string>}
 */
async function must(command, args) {
  const { code, output } = await run(command, args);
  if (code !== 0) throw new Error(`${command} failed:\n${output.trim()}`);
  return output;
}
