// What users do with their account. The links are those of real mails.
import { expect, expectSignedIn, expectSignedOut, mailTo, password, signIn, signOut, signUp, test, totp, unique } from "./helpers";

const newPassword = "a quite different sentence";

test("verify the address with the link of a mail", async ({ page }) => {
  const { email } = await signUp(page, "ann");
  await page.goto("/settings/account");
  await expect(page.getByText("Not verified")).toBeVisible();
  await page.getByRole("button", { name: "Verify this address" }).click();
  await expect(page.getByText(`We sent a code to ${email}`)).toBeVisible();
  const { link } = await mailTo(email, "verify_email");
  await page.goto(link);
  await expect(page.getByText(`Confirm that ${email} is yours.`)).toBeVisible();
  await expect(page).toHaveURL("/verify-email"); // the code is not in the address bar
  await page.getByRole("button", { name: "Confirm address" }).click();
  await expect(page.getByRole("heading", { name: "Address verified" })).toBeVisible();
  await page.goto("/settings/account");
  await expect(page.getByText("Verified", { exact: true })).toBeVisible();
});

test("reset the password with the link of a mail, after a wrong code", async ({ page }) => {
  const { username, email } = await signUp(page, "ann");
  await signOut(page);
  await signIn(page, email, "not my password");
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await expect(page.getByRole("heading", { name: "Choose a new password" })).toBeVisible();
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Send the code" }).click();
  await page.getByLabel("Code", { exact: true }).fill("0000-0000");
  await page.getByRole("textbox", { name: "New password" }).fill(newPassword);
  await page.getByRole("button", { name: "Set password" }).click();
  await expect(page.getByLabel("Code", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await page.goto((await mailTo(email, "reset_password")).link);
  await expect(page).toHaveURL("/reset-password");
  await page.getByRole("textbox", { name: "New password" }).fill(newPassword);
  await page.getByRole("button", { name: "Set password" }).click();
  await expect(page.getByText("Your password is changed.")).toBeVisible();
  await signIn(page, email, newPassword);
  await expectSignedIn(page, username);
});

test("change address, username and password, and delete the account", async ({ page }) => {
  const { username, email } = await signUp(page, "ann");
  await page.goto("/settings/account");

  const next = `new-${email}`;
  await page.getByLabel("New address").fill("no address");
  await page.getByRole("button", { name: "Change email" }).click();
  await expect(page.getByLabel("New address")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("New address").fill(next);
  await page.getByRole("button", { name: "Change email" }).click();
  await expect(page.getByText(`Enter the code that we sent to ${next}.`)).toBeVisible();
  await page.goto((await mailTo(next, "change_email")).link);
  await expect(page).toHaveURL("/change-email");
  await page.getByRole("button", { name: "Confirm address" }).click();
  await expect(page.getByText(`You sign in with ${next} from now on.`)).toBeVisible();
  await page.getByRole("link", { name: "Back to your account" }).click();
  await expect(page.getByText(next)).toBeVisible();

  await page.getByLabel("New username").fill("Luca.Silva");
  await expect(page.getByText("Not available")).toBeVisible();
  await page.getByRole("button", { name: "Change username" }).click();
  await expect(page.getByLabel("New username")).toHaveAccessibleDescription(/taken/);
  await page.getByLabel("New username").fill(`${username}-2`);
  await page.getByRole("button", { name: "Change username" }).click();
  await expect(page.getByText(`You are @${username}-2.`)).toBeVisible();
  await expectSignedIn(page, `${username}-2`);

  await page.getByLabel("Current password").fill("not my password");
  await page.getByRole("textbox", { name: "New password" }).fill(newPassword);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByLabel("Current password")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Current password").fill(password);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("Your password is changed.")).toBeVisible();
  await signOut(page);
  await signIn(page, next, newPassword);
  await expectSignedIn(page, `${username}-2`);

  await page.goto("/settings/account");
  await page.getByRole("button", { name: "Delete my account…" }).click();
  await page.getByRole("textbox", { name: "Password", exact: true }).fill("not my password");
  await page.getByRole("button", { name: "Delete my account", exact: true }).click();
  await expect(page.getByRole("textbox", { name: "Password", exact: true })).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("textbox", { name: "Password", exact: true }).fill(newPassword);
  await page.getByRole("button", { name: "Delete my account", exact: true }).click();
  await expectSignedOut(page);
  await signIn(page, next, newPassword);
  await expect(page.getByRole("alert")).toBeVisible();
});

test("see all sessions, and revoke one", async ({ page, anotherPage }) => {
  const { username, email } = await signUp(page, "ann");
  const phone = await anotherPage();
  await signIn(phone, email);
  await expectSignedIn(phone, username);
  await page.goto("/settings/security");
  const sessions = page.getByRole("list", { name: "Sessions" }).getByRole("listitem");
  await expect(sessions).toHaveCount(2);
  await page.getByRole("button", { name: /^Revoke the session on/ }).click();
  await expect(sessions).toHaveCount(1);
  await expect(page.getByText("The session has ended.")).toBeVisible();
  await expect(page.getByText("Session revoked")).toBeVisible(); // an event, without a reload
  await phone.getByRole("link", { name: "Settings" }).click();
  await expect(phone.getByText("Your session has ended.")).toBeVisible();
});

test("sign up, and sign in, with a code by mail", async ({ page }) => {
  const username = unique("mia");
  const email = `${username}@example.org`;
  await page.goto("/sign-in-by-mail");
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Send the code" }).click();
  await page.getByLabel("Code", { exact: true }).fill((await mailTo(email, "sign_in_code")).code);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByLabel("Username").fill(username);
  await page.getByRole("button", { name: "Create account" }).click();
  await expectSignedIn(page, username);
});

test("add a passkey, and sign in with it", async ({ page, context }) => {
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } as const;
  await cdp.send("WebAuthn.addVirtualAuthenticator", { options });
  const { username } = await signUp(page, "ann");
  await page.goto("/settings/security");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByText("Your passkey is added.")).toBeVisible();
  await expect(page.getByRole("list", { name: "Ways to sign in" }).getByRole("listitem")).toHaveCount(2);
  await page.getByRole("button", { name: "Sign out" }).first().click();
  await expectSignedOut(page);
  await page.goto("/sign-in");
  // The browser offers the passkey by itself where it can. Else the user asks for it.
  const button = page.getByRole("button", { name: "Sign in with a passkey" });
  await button.click({ timeout: 5000 }).catch(() => {});
  await expectSignedIn(page, username);
});

test("protect the account with an authenticator app, and sign in with it or a recovery code", async ({ page }) => {
  const { username, email } = await signUp(page, "ann");
  await page.goto("/settings/security");
  await page.getByRole("button", { name: "Add an authenticator app" }).click();
  const secret = await page.locator(".secret code").innerText();
  await page.getByLabel("Code that the app shows").fill("000000");
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByLabel("Code that the app shows")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Code that the app shows").fill(totp(secret));
  await page.getByRole("button", { name: "Confirm" }).click();
  const recoveryCodes = page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem");
  await expect(recoveryCodes).toHaveCount(10);
  const recoveryCode = await recoveryCodes.first().innerText();
  await page.getByRole("button", { name: "I have saved them" }).click();
  await expect(page.getByText("You have 10 recovery codes left.")).toBeVisible();

  await signOut(page);
  await signIn(page, email);
  await expect(page.getByRole("heading", { name: "One more step" })).toBeVisible();
  await page.getByLabel("Code from the app").fill("000000");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByLabel("Code from the app")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Code from the app").fill(totp(secret, Date.now() + 30_000)); // the one that was used works only once
  await page.getByRole("button", { name: "Continue" }).click();
  await expectSignedIn(page, username);

  await signOut(page);
  await signIn(page, email);
  await page.getByRole("button", { name: "Use a recovery code" }).click();
  await page.getByLabel("Recovery code").fill(recoveryCode);
  await page.getByRole("button", { name: "Continue" }).click();
  await expectSignedIn(page, username);
});
