import { test as base, type Browser, type BrowserContext, type ConsoleMessage, expect, type Page, type TestInfo, type WebError, type WorkerInfo } from "@playwright/test";
import axe from "axe-core";
import { createHmac } from "node:crypto";

export { expect };

type Complaints = { expected: RegExp[]; heard: string[] };
type Worker = { own: BrowserContext; other: BrowserContext };
type Fixtures = { complaints: Complaints; anotherPage: () => Promise<Page> };

// The tests of a worker share two browsers: that of `page`, and that of `anotherPage`, for another user or device. A window of its own for
// each test would take most of the time. After each test, its pages are closed and its cookies deleted.
//
// A test fails if a page writes an error to the console, such as a violation of the Content-Security-Policy. Tests that cause failures say
// which ones they expect.
export const test = base.extend<Fixtures, Worker>({
  own: [async ({ browser }, use, info) => use(await open(browser, info)), { scope: "worker" }],
  other: [async ({ browser }, use, info) => use(await open(browser, info)), { scope: "worker" }],
  context: async ({ own }, use) => {
    await use(own);
    await clear(own);
  },
  anotherPage: async ({ other, complaints }, use) => {
    const stop = listen(other, complaints.heard);
    await use(() => other.newPage());
    await clear(other);
    stop();
  },
  complaints: [
    async ({ own }, use) => {
      const complaints: Complaints = { expected: [], heard: [] };
      const stop = listen(own, complaints.heard);
      await use(complaints);
      stop();
      expect(complaints.heard.filter((text) => !complaints.expected.some((pattern) => pattern.test(text)))).toEqual([]);
    },
    { auto: true },
  ],
});

async function open(browser: Browser, { project }: WorkerInfo): Promise<BrowserContext> {
  const { viewport, colorScheme, baseURL, locale } = project.use;
  const context = await browser.newContext({ viewport, colorScheme, baseURL, locale });
  await context.newPage(); // keeps the window
  return context;
}

async function clear(context: BrowserContext): Promise<void> {
  await Promise.all(context.pages().slice(1).map((page) => page.close()));
  await context.setOffline(false);
  await context.clearCookies();
}

function listen(context: BrowserContext, heard: string[]): () => void {
  const onConsole = (message: ConsoleMessage) => void (["error", "warning"].includes(message.type()) && heard.push(message.text()));
  const onError = (error: WebError) => void heard.push(String(error.error()));
  context.on("console", onConsole).on("weberror", onError);
  return () => void context.off("console", onConsole).off("weberror", onError);
}

export const password = "correct horse battery staple";

let serial = 0;
// unique returns a username that no other test has.
export function unique(name: string): string {
  return `${name}-${process.env.TEST_WORKER_INDEX}-${Date.now().toString(36)}${serial++}`;
}

export type Member = { username: string; email: string };

// signUp signs up with the form.
export async function signUp(page: Page, name: string): Promise<Member> {
  const username = unique(name);
  const email = `${username}@example.org`;
  await page.goto("/sign-up");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expectSignedIn(page, username);
  return { username, email };
}

export async function signIn(page: Page, email: string, secret = password): Promise<void> {
  await page.goto("/sign-in");
  await enter(page, email, secret);
}

export async function enter(page: Page, email: string, secret = password): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(secret);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

export async function expectSignedIn(page: Page, username: string): Promise<void> {
  await expect(page.getByRole("link", { name: `Your profile, ${username}` })).toBeVisible();
}

export async function expectSignedOut(page: Page): Promise<void> {
  await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Sign in" })).toBeVisible();
}

export async function signOut(page: Page): Promise<void> {
  await page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "Sign out" }).click();
  await expectSignedOut(page);
}

// gql sends an operation as the page's own script would, with its cookies.
export function gql(page: Page, query: string, variables: object = {}): Promise<{ data?: any; errors?: any[] }> {
  return page.evaluate(
    async (body) => {
      const response = await fetch("/graphql", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      return response.json();
    },
    JSON.stringify({ query, variables }),
  );
}

type Mail = { to: string; kind: string; text: string; link: string };

// mailTo waits for the newest mail of a kind to an address.
export async function mailTo(to: string, kind: string, service = process.env.CALM_SERVICE): Promise<Mail & { code: string }> {
  let found: Mail | undefined;
  await expect
    .poll(async () => {
      const mails: Record<string, string>[] = await (await fetch(`${service}/dev/mail.json`)).json();
      const lower = mails.map((mail) => Object.fromEntries(Object.entries(mail).map(([name, value]) => [name.toLowerCase(), value])) as Mail);
      found = lower.find((mail) => mail.to === to && mail.kind === kind);
      return Boolean(found);
    })
    .toBe(true);
  const mail = found as Mail;
  return { ...mail, code: /\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b/.exec(mail.text)?.[0] ?? "" };
}

// expectAccessible has axe check a page. Serious violations fail the test.
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const { violations, passes } = await (window as unknown as { axe: typeof axe }).axe.run({ resultTypes: ["violations"], preload: false, iframes: false });
    if (passes.length < 10) throw new Error(`axe checked only ${passes.length} rules`);
    return violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`);
  });
  expect(violations, page.url()).toEqual([]);
  const [shown, wide] = await page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
  expect(wide, `${page.url()} scrolls sideways`).toBeLessThanOrEqual(shown);
  const navigation = await page.getByRole("navigation", { name: "Main" }).boundingBox();
  expect(navigation?.height, "the navigation has one line").toBeLessThan(50);
}

const ofReadme = ["profile-editor-desktop-light", "own-profile-desktop-dark", "profile-editor-phone-light"];

// picture writes a picture of a page to the folder PICTURES, or one of the README's to README_PICTURES. Without them, there are no pictures.
export async function picture(page: Page, info: TestInfo, name: string): Promise<void> {
  const file = `${name}-${info.project.name}`;
  const folder = process.env.PICTURES ?? (ofReadme.includes(file) ? process.env.README_PICTURES : undefined);
  if (!folder) return;
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.screenshot({ path: `${folder}/${file}.png`, animations: "disabled" });
}

// totp returns the code that an authenticator app shows (RFC 6238).
export function totp(secret: string, at = Date.now()): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/[^A-Z2-7]/g, "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const number = mac.readUInt32BE((mac[19] as number) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}
