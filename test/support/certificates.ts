/** Certificates for tests: an authority, one of a server and a client's, and another authority. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificates {
  ca: string;
  /** An authority that has signed none of them. */
  otherCa: string;
  /** Of the server and of clients, for localhost and 127.0.0.1. */
  cert: string;
  key: string;
  /** Of redis-server and valkey-server; they ask clients for theirs. */
  serverArgs: string[];
  remove(): void;
}

export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-tls-"));
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  const keyArgs = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  for (const name of ["ca", "other"]) {
    openssl(
      ...["req", "-x509", ...keyArgs, "-days", "2", "-subj", `/CN=${name}`],
      ...["-keyout", path(`${name}.key`), "-out", path(`${name}.crt`)],
    );
  }
  writeFileSync(path("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const request = ["-keyout", path("own.key"), "-out", path("own.csr")];
  openssl("req", ...keyArgs, "-subj", "/CN=localhost", ...request);
  openssl(
    ...["x509", "-req", "-in", path("own.csr"), "-days", "2", "-extfile", path("names")],
    ...["-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-CAcreateserial"],
    ...["-out", path("own.crt")],
  );
  const read = (name: string) => readFileSync(path(name), "utf8");
  return {
    ca: read("ca.crt"),
    otherCa: read("other.crt"),
    cert: read("own.crt"),
    key: read("own.key"),
    serverArgs: [
      ...["--tls-cert-file", path("own.crt"), "--tls-key-file", path("own.key")],
      ...["--tls-ca-cert-file", path("ca.crt"), "--tls-auth-clients", "yes"],
    ],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
