/* A certificate of our own, for a day. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const certificate = (t) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-tls-"));
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	const [key, cert] = [join(dir, "key"), join(dir, "cert")];
	execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
		"-out", cert, "-days", "2", "-subj", "/CN=pbx", "-addext", "subjectAltName=IP:127.0.0.1"], { stdio: "ignore" });
	return { key, cert };
};
