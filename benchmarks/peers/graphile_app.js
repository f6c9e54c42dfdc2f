// The task in graphile-worker, with the settings of its performance page.
const fs = require("node:fs");
const readline = require("node:readline");
const { run, makeWorkerUtils } = require(process.env.MODULES + "/graphile-worker");

const BATCH = 500;
const connectionString = process.env.URL;
const out = fs.openSync(process.env.OUT, "a");
const now = () => Number(process.hrtime.bigint()) / 1e9;

async function quick(payload) {
  const line = Buffer.alloc(24);
  line.writeDoubleLE(payload.sent, 0);
  line.writeDoubleLE(now(), 8);
  line.writeBigInt64LE(BigInt(payload.number), 16);
  fs.writeSync(out, line);
}

async function ask() {
  const utils = await makeWorkerUtils({ connectionString });
  await utils.migrate();
  for await (const text of readline.createInterface({ input: process.stdin })) {
    const [what, words] = text.split(" ");
    const count = Number(words);
    const at = now();
    if (what === "latency") {
      for (let number = 0; number < count; number++) {
        await new Promise((done) => setTimeout(done, 40));
        await utils.addJob("quick", { sent: now(), number });
      }
    } else {
      for (let first = 0; first < count; first += BATCH) {
        const sent = now();
        const jobs = [];
        for (let number = first; number < Math.min(count, first + BATCH); number++)
          jobs.push({ identifier: "quick", payload: { sent, number } });
        await utils.addJobs(jobs);
      }
    }
    console.log(count / (now() - at));
  }
}

async function work() {
  const worker = {
    connectionString,
    concurrentJobs: 24,
    maxPoolSize: 10,
    pollInterval: 2000,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  };
  const runner = await run({ preset: { worker }, taskList: { quick } });
  await runner.promise;
}

(process.argv[2] === "worker" ? work() : ask()).catch((error) => {
  console.error(error);
  process.exit(1);
});
