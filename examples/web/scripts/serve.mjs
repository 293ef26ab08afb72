// Serves the front end and freehold on one origin: the production build, or with --dev the sources, which reload when you edit them. It
// starts freehold, unless FREEHOLD_URL says where one runs. PORT is the port of the pages.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createServer, preview } from "vite";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const port = Number(process.env.PORT ?? 5173);
const origin = `http://localhost:${port}`;
let service;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(0));

if (!process.env.FREEHOLD_URL) {
  process.env.FREEHOLD_URL = await startFreehold();
}
const options = { port, strictPort: true };
if (process.argv.includes("--dev")) {
  await (await createServer({ server: options })).listen();
} else {
  await preview({ preview: options });
}
console.log(`the front end is serving\n  pages    ${origin}/\n  mail     ${process.env.FREEHOLD_URL}/dev/mail\n  stop     Ctrl-C`);

// startFreehold returns the URL of a new freehold, whose mails link to the pages of this front end.
async function startFreehold() {
  const link = (page) => `${origin}/${page}?email={email}&code={code}`;
  service = spawn(process.env.FREEHOLD ?? "../../freehold", {
    detached: true, // Ctrl-C reaches it through end, once
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      FREEHOLD_ADDR: "127.0.0.1:8080",
      FREEHOLD_PUBLIC_URL: origin,
      FREEHOLD_APP_URL: origin,
      FREEHOLD_VERIFY_EMAIL_URL: link("verify-email"),
      FREEHOLD_RESET_PASSWORD_URL: link("reset-password"),
      FREEHOLD_CHANGE_EMAIL_URL: link("change-email"),
      FREEHOLD_SIGN_IN_URL: link("sign-in-by-mail"),
      ...process.env,
    },
  });
  service.on("error", (error) => {
    console.error(`freehold does not start: ${error.message}`);
    process.exit(1);
  });
  service.on("exit", (code) => process.exit(code ?? 1));
  for await (const line of createInterface({ input: service.stdout })) {
    const at = /^ {2}GraphQL {2}(.*)\/graphql$/.exec(line);
    if (at) return at[1];
  }
  return await once(service, "exit"); // the listener above ends this process
}

function end(code) {
  if (!service || service.exitCode !== null) process.exit(code);
  service.kill("SIGTERM"); // its listener ends this process
}
