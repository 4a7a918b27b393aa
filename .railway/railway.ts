// Railway's infrastructure as code. Look at it with `railway config plan`, carry it out with `railway config apply`.
//
// Add every variable that you set by hand to `env` with preserve(), or an apply takes it for removed.
import { bucket, defineRailway, preserve, project, service, volume } from "railway/iac";

// This file owns what it lists, and nothing else in the project.
export const partial = "tzurot";

export default defineRailway(() => {
  const data = volume("tzurot-data");
  // In one region with the service: only there a read always sees the last write.
  const copy = bucket("tzurot-copy");

  const bot = service("tzurot", {
    // The Dockerfile is found by itself, and its entrypoint is the start command.
    healthcheck: "/livez",
    healthcheckTimeout: 900,
    replicas: 1, // a volume has one writer
    volumeMounts: { "/app/data": data },
    env: {
      // A start may wait for the old container and then restore; /livez answers all the while.
      RAILWAY_HEALTHCHECK_TIMEOUT_SEC: "900",
      // Time for the last upload; without it Railway kills at once.
      RAILWAY_DEPLOYMENT_DRAINING_SECONDS: "60",

      DISCORD_TOKEN: preserve(),
      ENCRYPTION_KEYS: preserve(),
      SERVICE_API_BASE_URL: preserve(),
      SERVICE_API_KEY: preserve(),
      SERVICE_ID: preserve(),

      REPLICA_PREFIX: "tzurot/production",
      REPLICA_PATH_STYLE: "false",
      REPLICA_BUCKET: "${{tzurot-copy.BUCKET}}",
      REPLICA_ENDPOINT: "${{tzurot-copy.ENDPOINT}}",
      REPLICA_REGION: "${{tzurot-copy.REGION}}",
      LITESTREAM_ACCESS_KEY_ID: "${{tzurot-copy.ACCESS_KEY_ID}}",
      LITESTREAM_SECRET_ACCESS_KEY: "${{tzurot-copy.SECRET_ACCESS_KEY}}",
    },
  });

  return project("tzurot", { resources: [data, copy, bot] });
});
