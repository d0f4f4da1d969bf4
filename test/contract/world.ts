/**
 * What a store must bring along to be examined: a way to open it again and again on the same data,
 * hands on its clock, and eyes for what it leaves behind. One world serves one test.
 */
import type { Store } from "../../src/store/contract.js";

export interface World {
  /** Another scheduler's store on the same data, with an identity of its own, ready for use. */
  open(): Promise<Store>;
  /** The store's clock, epoch ms. */
  now(): Promise<number>;
  /** Time passes. */
  advance(ms: number): Promise<void>;
  /** Somebody sets the store's clock, forward or (negative) back. */
  jump(ms: number): Promise<void>;
  /** Looks at the raw data, of a store with jobs: rejects when something does not belong. */
  inspect(): Promise<void>;
  /** Looks at the raw data when no job is left: rejects when anything speaks of one. */
  inspectDrained(): Promise<void>;
  /** From now on the store holds its fire, as after it has lost data: no schedule fires for 5 s. */
  hold(): Promise<void>;
  /** Breaks every connection at once; the store itself goes on. */
  cut?(): Promise<void>;
  /** The store loses its data, and goes on. */
  empty?(): Promise<void>;
  /** All that is derived from the schedules' state is lost: the index of who is due when. */
  breakIndex?(): Promise<void>;
  /** The record of a job that has not ended is lost, and nothing else. */
  loseJob?(job: { taskId: string; number: string }): Promise<void>;
  /** Of a store with several shards: how many, and where a task lives. */
  shards?: number;
  shardOf?(taskId: string): number;
  /** Frees everything. */
  close(): Promise<void>;
}

/** What not every store can do; tests of it run where it can. */
export interface Capabilities {
  /** Data outlive the last open store. */
  persistent: boolean;
  /** There is a connection to be cut (`World.cut`), to a store that can lose its data (`empty`). */
  connection: boolean;
  /** Time stands still unless a test moves it. */
  frozenClock: boolean;
}

export type MakeWorld = () => Promise<World>;
