/**
 * The contract suite: decides what every verb of `Store` means. Each store's test file calls
 * `examine` once; each part below examines one verb or theme.
 */
import { test as base, describe, type TestAPI } from "vitest";
import { aloneClaims } from "./parts/alone.js";
import { boundClaims } from "./parts/bounds.js";
import { cancelClaims } from "./parts/cancel.js";
import { vectorClaims } from "./parts/cases.js";
import { claimClaims } from "./parts/claim.js";
import { countsClaims } from "./parts/counts.js";
import { crashClaims } from "./parts/crash.js";
import { fireClaims } from "./parts/fire.js";
import { generationClaims } from "./parts/generations.js";
import { getClaims } from "./parts/get.js";
import { graceClaims } from "./parts/grace.js";
import { heldClaims } from "./parts/held.js";
import { holdClaims } from "./parts/hold.js";
import { idClaims } from "./parts/ids.js";
import { keepClaims } from "./parts/keep.js";
import { ledgerClaims } from "./parts/ledger.js";
import { listClaims } from "./parts/list.js";
import { livenessClaims } from "./parts/liveness.js";
import { lookClaims } from "./parts/look.js";
import { lostClaims } from "./parts/lost.js";
import { noteClaims } from "./parts/notes.js";
import { orderClaims } from "./parts/order.js";
import { overlapClaims } from "./parts/overlap.js";
import { partClaims } from "./parts/part.js";
import { pauseClaims } from "./parts/pause.js";
import { payloadClaims } from "./parts/payload.js";
import { pushClaims } from "./parts/push.js";
import { reapClaims } from "./parts/reap.js";
import { redriveClaims } from "./parts/redrive.js";
import { registerClaims } from "./parts/register.js";
import { releaseClaims } from "./parts/release.js";
import { renewClaims } from "./parts/renew.js";
import { restClaims } from "./parts/rest.js";
import { scheduleClaims } from "./parts/schedules.js";
import { sessionClaims } from "./parts/session.js";
import { settleClaims } from "./parts/settle.js";
import { tendClaims } from "./parts/tend.js";
import { triggerClaims } from "./parts/trigger.js";
import { turnClaims } from "./parts/turns.js";
import { wakeClaims } from "./parts/wake.js";
import { walkClaims } from "./parts/walk.js";
import { Scene } from "./scene.js";
import type { Capabilities, MakeWorld } from "./world.js";

/** `test` of Vitest, with a fresh scene for each test, drained and inspected after it. */
export type ContractTest = TestAPI<{ scene: Scene }>;

const PARTS: readonly ((test: ContractTest, can: Capabilities) => void)[] = [
  pushClaims,
  idClaims,
  payloadClaims,
  claimClaims,
  orderClaims,
  settleClaims,
  lostClaims,
  crashClaims,
  aloneClaims,
  turnClaims,
  restClaims,
  renewClaims,
  reapClaims,
  graceClaims,
  noteClaims,
  lookClaims,
  wakeClaims,
  partClaims,
  cancelClaims,
  redriveClaims,
  getClaims,
  listClaims,
  countsClaims,
  keepClaims,
  registerClaims,
  generationClaims,
  livenessClaims,
  fireClaims,
  boundClaims,
  ledgerClaims,
  overlapClaims,
  releaseClaims,
  triggerClaims,
  pauseClaims,
  scheduleClaims,
  tendClaims,
  holdClaims,
  heldClaims,
  sessionClaims,
  vectorClaims,
  walkClaims,
];

/** One part or two of each theme, for worlds that differ from others in how a store is reached. */
const SOME: readonly (typeof PARTS)[number][] = [
  ...[
    idClaims,
    payloadClaims,
    settleClaims,
    lostClaims,
    crashClaims,
    aloneClaims,
    turnClaims,
    renewClaims,
  ],
  ...[reapClaims, lookClaims, wakeClaims, partClaims, cancelClaims, redriveClaims],
  ...[listClaims, keepClaims],
  ...[registerClaims, fireClaims, overlapClaims, pauseClaims, tendClaims, holdClaims],
  ...[sessionClaims],
];

/** `whole` false: some parts only. */
export function examine(
  name: string,
  makeWorld: MakeWorld,
  can: Capabilities,
  { whole } = { whole: true },
): void {
  const test: ContractTest = base.extend<{ scene: Scene }>({
    scene: async ({ task: _ }, use) => {
      const scene = await Scene.begin(await makeWorld());
      await use(scene);
      await scene.end();
    },
  });
  describe(`the contract, kept by ${name}`, () => {
    const parts = whole ? PARTS : SOME;
    for (const claims of parts) claims(test, can);
  });
}
