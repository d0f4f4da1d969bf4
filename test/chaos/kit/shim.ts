/** Builds and steers the C shim: a server's wall clock, a full disk, what a power cut leaves. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("shim.c", import.meta.url));

let library: string | null | undefined;

/** The built shim; null: there is no C compiler here, or no LD_PRELOAD. */
function build(): string | null {
  if (process.platform !== "linux") return null;
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-shim-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "shim.so");
  try {
    execFileSync("cc", ["-shared", "-fPIC", "-O2", "-o", path, SOURCE], { stdio: "pipe" });
    return path;
  } catch {
    return null;
  }
}

export function hasShim(): boolean {
  library ??= build();
  return library !== null;
}

/** The shim of one store: its servers or processes are started with `env`. */
export class Shim {
  readonly env: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #data: string;
  readonly #control: number;

  /** `data`: the folder of the files that it watches; `images`: keep copies, not only sizes. */
  constructor(data: string, { images }: { images: boolean }) {
    if (!hasShim()) throw new Error("there is no C compiler to build the shim");
    this.#folder = mkdtempSync(join(tmpdir(), "schedule-mq-shim-"));
    this.#data = data;
    const control = join(this.#folder, "control");
    this.#control = openSync(control, "w+");
    this.#set({ jumpMs: 0, isFull: false });
    const kept = join(this.#folder, images ? "images" : "ledger");
    if (images) mkdirSync(kept);
    this.env = {
      LD_PRELOAD: library ?? "",
      CHAOS_CONTROL: control,
      CHAOS_FOLDER: data,
      [images ? "CHAOS_IMAGES" : "CHAOS_LEDGER"]: kept,
    };
  }

  /** The wall clock is so far from the true one, from now on. */
  setClock(jumpMs: number): void {
    this.#set({ jumpMs, isFull: false });
  }

  setFull(isFull: boolean): void {
    this.#set({ jumpMs: 0, isFull });
  }

  /**
   * What a power cut leaves of files that are only appended to: what was synced, and with `torn` a
   * part of the rest. Everybody who writes them must be dead.
   */
  cutAppended(torn: () => number): void {
    const ledger = this.env.CHAOS_LEDGER ?? "";
    const synced = new Map<string, number>();
    const lines = existsSync(ledger) ? readFileSync(ledger, "utf8").split("\n") : [];
    for (const line of lines) {
      const [file = "", size] = line.split(" ");
      if (size !== undefined) synced.set(file, Number(size));
    }
    for (const path of filesBelow(this.#data)) {
      if (path.endsWith(".log")) continue;
      const { dev, ino, size } = statSync(path);
      const safe = Math.min(size, synced.get(`${dev}:${ino}`) ?? 0);
      truncateSync(path, safe + Math.floor((size - safe) * torn()));
    }
  }

  /**
   * The same for files that are written anywhere. One that was deleted stays so: what was synced
   * after that took the change of the folder along.
   */
  cutImaged(names: readonly string[]): void {
    for (const name of names) {
      const image = join(this.env.CHAOS_IMAGES ?? "", name);
      const path = join(this.#data, name);
      if (!existsSync(path)) continue;
      rmSync(path);
      if (existsSync(image)) copyFileSync(image, path);
    }
  }

  close(): void {
    closeSync(this.#control);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #set({ jumpMs, isFull }: { jumpMs: number; isFull: boolean }): void {
    const words = Buffer.alloc(16);
    words.writeBigInt64LE(BigInt(Math.round(jumpMs * 1e6)), 0);
    words.writeBigInt64LE(isFull ? 1n : 0n, 8);
    writeSync(this.#control, words, 0, 16, 0);
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
