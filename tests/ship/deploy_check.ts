/** The manifests for Kubernetes and the Compose file, by validators of their formats. */

import { assertEquals } from "@std/assert";
import { parse } from "yaml";
import { USER } from "../../scripts/image/document.ts";
import { call } from "../helpers/container.ts";

/** The oldest and the newest Kubernetes that the manifests are for. */
const KUBERNETES = ["1.31", "1.37"];

const OVERLAYS: Readonly<Record<string, string[]>> = {
  base: ["Deployment", "PodDisruptionBudget", "Service"],
  follow: ["Deployment", "PodDisruptionBudget", "Service"],
  nightly: [
    "CronJob",
    "Deployment",
    "PodDisruptionBudget",
    "Role",
    "RoleBinding",
    "Service",
    "ServiceAccount",
  ],
};

// deno-lint-ignore no-explicit-any -- documents of many shapes, which the validators know
type Document = any;

async function built(overlay: string, file: string): Promise<Document[]> {
  const text = await call("kustomize", ["build", `deploy/kubernetes/${overlay}`]);
  await Deno.writeTextFile(file, text);
  return text.split(/^---$/m).map((part) => parse(part));
}

for (const [overlay, kinds] of Object.entries(OVERLAYS)) {
  Deno.test(`deploy/kubernetes/${overlay} is valid for Kubernetes ${KUBERNETES.join(" and ")}`, async () => {
    const file = await Deno.makeTempFile({ suffix: ".yaml" });
    try {
      const documents = await built(overlay, file);
      assertEquals(documents.map(({ kind }) => kind).sort(), kinds);
      for (const version of KUBERNETES) {
        await call("kubernetes-validate", ["--strict", "--quiet", "-k", version, file]);
      }
    } finally {
      await Deno.remove(file);
    }
  });
}

Deno.test("the pods ask for what the image can do, and follow where they are told to", async () => {
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    const podOf = async (overlay: string) =>
      (await built(overlay, file)).find(({ kind }) => kind === "Deployment").spec.template.spec;
    const pod = await podOf("base");
    const [bfa] = pod.containers;
    assertEquals(pod.securityContext.runAsUser, USER);
    assertEquals(bfa.securityContext.readOnlyRootFilesystem, true);
    assertEquals(bfa.volumeMounts, [{ name: "tmp", mountPath: "/tmp" }]);
    assertEquals(bfa.readinessProbe.httpGet.path, "/readyz");
    assertEquals(bfa.livenessProbe.httpGet.path, "/healthz");
    assertEquals(bfa.image, "ghcr.io/OWNER/bfa:latest");
    const { env: [mirror] } = (await podOf("follow")).containers[0];
    assertEquals(mirror, { name: "BFA_MIRROR", value: "https://example.org/bfa/" });
    assertEquals((await podOf("nightly")).containers[0].imagePullPolicy, "Always");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("deploy/compose.yaml is valid, and takes image and mirror from the environment", async () => {
  const { bfa } = parse(await call("compose-spec", ["deploy/compose.yaml"])).services;
  assertEquals(bfa.image, "ghcr.io/OWNER/bfa:latest");
  assertEquals([bfa.read_only, bfa.cap_drop], [true, ["ALL"]]);
  assertEquals(bfa.healthcheck.test, ["CMD", "bfa", "health"]);
  const raw = parse(await call("compose-spec", ["-no-interpolation", "deploy/compose.yaml"]));
  assertEquals(raw.services.bfa.image, "${BFA_IMAGE:-ghcr.io/OWNER/bfa:latest}");
  assertEquals(raw.services.bfa.environment, { BFA_MIRROR: "${BFA_MIRROR:-}" });
});

Deno.test("a mistake in a manifest is found", async () => {
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  await built("base", file);
  const text = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, text.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"));
  const failed = await call("kubernetes-validate", ["--strict", "--quiet", file]).then(
    () => "passed",
    () => "failed",
  );
  await Deno.remove(file);
  assertEquals(failed, "failed");
});
