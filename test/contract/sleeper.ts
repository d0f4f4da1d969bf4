/** A scheduler that sleeps on a store, and all that it hears. */
import { expect } from "vitest";
import type { Fireable, Store, Wake } from "../../src/store/contract.js";
import { until } from "../support/until.js";
import type { Scene } from "./scene.js";
import { type Held, HOUR_MS, KEEP, NO_SCHEDULES, TASK } from "./words.js";

export class Sleeper {
  /** What it heard that sends it to work, since it sleeps. */
  readonly wakes: Wake[] = [];
  readonly store: Store;
  readonly #scene: Scene;
  readonly #cancelled = new Set<string>();
  #markers: Held[] = [];

  private constructor(scene: Scene, store: Store) {
    this.#scene = scene;
    this.store = store;
    store.onWake((wake) => {
      if (wake.kind === "cancelled") this.#cancelled.add(wake.number);
      else this.wakes.push(wake);
    });
  }

  static async of(
    scene: Scene,
    store: Store,
    look: { taskIds?: string[]; fireable?: Fireable; sleepMs?: number } = {},
  ): Promise<Sleeper> {
    const sleeper = new Sleeper(scene, store);
    const { taskIds = [TASK], fireable = NO_SCHEDULES.fireable, sleepMs = HOUR_MS } = look;
    scene.knows(...taskIds);
    await until("the sleeper's ears", () => sleeper.#hears());
    for (let n = 0; n < 2; n += 1) sleeper.#markers.push(await sleeper.#marker());
    // What it heard while it was not asleep yet is nothing to the test.
    sleeper.wakes.length = 0;
    const { waitMs } = await store.look({ taskIds, fireable, registration: null, sleepMs });
    expect(waitMs).toBeGreaterThan(0);
    return sleeper;
  }

  async woken(): Promise<Wake> {
    return await until("a wake-up", () => this.wakes[0]);
  }

  /**
   * Resolves when every wake-up that was under way has arrived: they come in order, so the
   * cancellation of a job that this scheduler holds, sent now, is the last of them.
   */
  async arrived(): Promise<void> {
    const marker = this.#markers.pop();
    await this.#cancel(marker);
    await until("the marker", () => this.#cancelled.has(marker?.number ?? ""));
  }

  /** Listening begins some time after `onWake`; from then on nothing is missed. */
  async #hears(): Promise<boolean> {
    const marker = await this.#marker();
    await this.#cancel(marker);
    const heard = until("the marker", () => this.#cancelled.has(marker.number), 50);
    return await heard.catch(() => false);
  }

  #marker(): Promise<Held> {
    return this.#scene.running({ taskId: "marker" }, { store: this.store });
  }

  async #cancel(marker: Held | undefined): Promise<void> {
    const id = marker?.id ?? "";
    await this.#scene.store.cancel({ taskId: "marker", id, keep: KEEP });
  }
}
