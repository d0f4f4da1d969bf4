/** The contract, kept by the model store. */
import { modelWorld } from "../support/model-world.js";
import { examine } from "./suite.js";

examine("the model", modelWorld, { persistent: true, connection: false, frozenClock: true });
