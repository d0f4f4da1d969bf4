/** Which kind of session a store has: that of a single server, or that of a Cluster. */
import { isClusterTarget } from "./client.js";
import { ClusterSession } from "./cluster/session.js";
import { type Home, Session, type SessionParts } from "./session.js";

export function homeOf(parts: SessionParts): Home {
  return isClusterTarget(parts.redis) ? new ClusterSession(parts) : new Session(parts);
}
