// What happens when time passes, when tabs disagree, and when the service or the network goes away. The access tokens of this service live
// for two seconds. The tests run one after the other, because they stop the service.
import { type BrowserContext, expect, type Page } from "@playwright/test";
import { enter, expectSignedIn, expectSignedOut, password, signIn, signOut, signUp, test } from "./helpers";

const act = async (what: "stop" | "start" | "age") => expect((await fetch(`${process.env.ROUGH_CONTROL}/${what}`)).status).toBe(200);

// A tab in the background becomes visible when its user comes back to it. Headless tabs are all visible, so the test says it.
const comeBack = (page: Page) => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));

const accessCookie = async (context: BrowserContext) => (await context.cookies()).find((c) => c.name === "freehold")?.value;

const banner = (page: Page) => page.locator(".banner");

test("two tabs when the cookie expires", async ({ page, context }) => {
  const { username } = await signUp(page, "ann");
  const other = await context.newPage();
  await other.goto("/settings/security");
  await expectSignedIn(other, username);

  const before = await accessCookie(context);
  await expect.poll(() => accessCookie(context)).toBeUndefined(); // the browser has deleted it
  await Promise.all([comeBack(page), comeBack(other)]);
  await expect.poll(() => accessCookie(context)).toBeDefined();
  expect(await accessCookie(context)).not.toBe(before);
  for (const tab of [page, other]) {
    await tab.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Settings" }).click();
    await expect(tab.getByRole("heading", { name: "Your profile" })).toBeVisible();
    await expectSignedIn(tab, username);
  }
});

test("the session ends elsewhere: both tabs notice, and continue after a new sign-in", async ({ page, context, anotherPage }) => {
  const { username, email } = await signUp(page, "ann");
  await page.goto("/settings/account");
  const other = await context.newPage();
  await other.goto("/settings/profile");
  await expect(other.getByLabel("Bio")).toBeVisible();

  const phone = await anotherPage();
  await signIn(phone, email);
  await expectSignedIn(phone, username);
  await phone.goto("/settings/security");
  await phone.getByRole("button", { name: "Sign out everywhere else" }).click();
  await expect(phone.getByText("1 other sessions have ended.")).toBeVisible();

  await other.getByLabel("Bio").fill("Written too late");
  await other.getByRole("button", { name: "Save" }).click();
  await expect(other.getByText("Your session has ended.")).toBeVisible();
  await comeBack(page);
  await expect(page.getByText("Your session has ended.")).toBeVisible();

  await enter(page, email);
  await expect(page).toHaveURL("/settings/account"); // where they were
  await expectSignedIn(other, username); // the other tab follows
  await expect(other).toHaveURL("/settings/profile");
});

test("signing out in one tab is noticed in the other", async ({ page, context }) => {
  const { username } = await signUp(page, "ann");
  const other = await context.newPage();
  await other.goto("/settings/security");
  await expectSignedIn(other, username);
  await signOut(page);
  await expect(other.getByText("You signed out in another tab.")).toBeVisible();
  await expectSignedOut(other);
});

test("another user signs in in one tab, and the other shows them", async ({ page, context }) => {
  const ann = await signUp(page, "ann");
  await signOut(page);
  const bob = await signUp(page, "bob");
  const other = await context.newPage();
  await other.goto("/settings/account");
  await expect(other.getByText(`@${bob.username}`)).toBeVisible();
  await signOut(page);
  await signIn(page, ann.email);
  await expectSignedIn(other, ann.username);
  await expect(other.getByText(`@${ann.username}`)).toBeVisible();
  await expect(other.getByText(bob.username)).toHaveCount(0);
});

test("the service restarts", async ({ page, complaints }) => {
  complaints.expected.push(/Failed to load resource: .* (500|502|503|504)/);
  const { username } = await signUp(page, "ann");
  await page.goto("/settings/profile");
  await page.getByLabel("Bio").fill("Written before the restart");
  await act("stop");

  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("The service cannot be reached. What you entered is still here")).toBeVisible();
  await expect(page.getByLabel("Bio")).toHaveValue("Written before the restart");
  await page.getByRole("link", { name: "Account", exact: true }).click(); // a query, which waits
  await expect(banner(page)).toHaveText(/cannot be reached/);
  await page.getByRole("link", { name: "Profile", exact: true }).click();

  await act("start");
  await expect(banner(page)).toBeHidden();
  await expectSignedIn(page, username);
  await page.getByLabel("Bio").fill("Written after the restart");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved.")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Bio")).toHaveValue("Written after the restart");
});

test("a page that is opened while the service is away appears when it is back", async ({ page, complaints }) => {
  complaints.expected.push(/Failed to load resource: .* (500|502|503|504)/);
  const { username } = await signUp(page, "ann");
  await act("stop");
  await page.goto("/settings/profile");
  await expect(page.getByText("Loading…")).toBeAttached();
  await act("start");
  await expectSignedIn(page, username);
  await expect(page.getByLabel("Bio")).toBeVisible();
});

test("offline and back", async ({ page, context, complaints }) => {
  complaints.expected.push(/ERR_INTERNET_DISCONNECTED/);
  const { username } = await signUp(page, "ann");
  await page.goto("/settings/profile");
  await page.getByLabel("Bio").fill("Written on a train");
  await context.setOffline(true);
  await expect(banner(page)).toHaveText(/You are offline/);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("You are offline. What you entered is still here")).toBeVisible();

  await context.setOffline(false);
  await expect(banner(page)).toBeHidden();
  await expect(page.getByLabel("Bio")).toHaveValue("Written on a train");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved.")).toBeVisible();
  await expectSignedIn(page, username);

  await context.setOffline(true);
  await page.getByRole("link", { name: "Security" }).click(); // not seen before
  await expect(banner(page)).toHaveText(/You are offline/);
  await context.setOffline(false);
  await expect(page.getByText("Account created")).toBeVisible(); // without a reload
});

test("a part of the front end that does not arrive can be loaded again", async ({ page, complaints }) => {
  complaints.expected.push(/ERR_FAILED/, /Failed to fetch dynamically imported module/);
  await page.route("**/assets/security-*.js", (route) => route.abort());
  await signUp(page, "ann");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("link", { name: "Security" }).click();
  await expect(page.getByText("This page could not be loaded.")).toBeVisible();
  await page.unroute("**/assets/security-*.js");
  await page.getByRole("button", { name: "Load it again" }).click();
  await expect(page.getByText("Account created")).toBeVisible();
});

test("a sensitive change long after the sign-in asks for the password, and then happens", async ({ page }) => {
  const { username } = await signUp(page, "ann");
  await act("age");
  await page.goto("/settings/account");
  await page.getByLabel("New username").fill(`${username}-2`);
  await page.getByRole("button", { name: "Change username" }).click();
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await expect(dialog.getByLabel("Password")).toBeFocused();

  await page.keyboard.press("Escape"); // changed their mind
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("alert")).toBeVisible();
  await expectSignedIn(page, username);

  await page.getByRole("button", { name: "Change username" }).click();
  await dialog.getByLabel("Password").fill("not my password");
  await dialog.getByRole("button", { name: "Confirm", exact: true }).click();
  await expect(dialog.getByRole("alert").or(dialog.locator(".field-error"))).toBeVisible();
  await dialog.getByLabel("Password").fill(password);
  await dialog.getByRole("button", { name: "Confirm", exact: true }).click();
  await expect(page.getByText("Your username is changed.")).toBeVisible();
  await expectSignedIn(page, `${username}-2`);
});
