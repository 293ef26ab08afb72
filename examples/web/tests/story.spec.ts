// The story that freehold began with. A developer added a username to the sign-up form, the library dropped it silently, and the profile
// had none. Row security was something to remember. Here, the username arrives, and another user is refused.
import type { Page } from "@playwright/test";
import { expect, expectAccessible, expectSignedIn, gql, password, picture, signOut, signUp, test, unique } from "./helpers";

test("two users, a refusal, a reload", async ({ page: ann, anotherPage }, info) => {
  const look = async (page: Page, name: string) => {
    await expectAccessible(page);
    await picture(page, info, name);
  };
  const username = { "desktop-light": "ann", "desktop-dark": "ann.applegate", "phone-light": "ann_a", "phone-dark": "annie" }[info.project.name] ?? unique("ann");

  await test.step("a visitor comes to the sign-up form", async () => {
    await ann.goto("/");
    await expect(ann.getByRole("link", { name: "Create your account" })).toBeVisible();
    await expect(ann.getByRole("list", { name: "Profiles" }).getByRole("listitem").nth(5)).toBeVisible();
    await look(ann, "people-visitor");
    await ann.getByRole("link", { name: "Create your account" }).click();
    await expect(ann.getByRole("heading", { name: "Create your account" })).toBeVisible();
  });

  await test.step("the form shows all its errors at once, each beside its field", async () => {
    await ann.getByLabel("Username").fill("a");
    await ann.getByLabel("Email").fill("nobody");
    await ann.getByLabel("Password").fill("short");
    await ann.getByRole("button", { name: "Create account" }).click();
    await expect(ann.getByLabel("Username")).toHaveAccessibleDescription(/at least 3/);
    await expect(ann.getByLabel("Email")).toHaveAccessibleDescription(/email address/i);
    await expect(ann.getByLabel("Password")).toHaveAccessibleDescription(/at least 8 characters/);
    await expect(ann.getByLabel("Username")).toBeFocused();
    await look(ann, "sign-up-errors");
  });

  await test.step("Ann signs up, and her profile has the username", async () => {
    await ann.getByLabel("Username").fill(username);
    await expect(ann.getByText("Free", { exact: true })).toBeVisible();
    await ann.getByLabel("Email").fill(`${username}@example.org`);
    await ann.getByLabel("Password").fill(password);
    await ann.getByRole("button", { name: "Create account" }).click();
    await expectSignedIn(ann, username);
    await ann.getByRole("link", { name: `Your profile, ${username}` }).click();
    await expect(ann.getByRole("heading", { name: username })).toBeVisible();
    await expect(ann.getByText(`@${username}`)).toBeVisible();
    await look(ann, "own-profile-new");
  });

  await test.step("Ann fills in her profile, sees who can read each field, and shows it to everyone", async () => {
    await ann.getByRole("link", { name: "Edit profile" }).click();
    const badge = (label: string) => ann.locator(".field", { has: ann.getByLabel(label, { exact: true }) }).locator(".badge");
    await expect(badge("Bio")).toHaveText(/Only you$/);
    await ann.getByLabel("Who can see your profile").selectOption("MEMBERS");
    await expect(badge("Bio")).toHaveText(/Members$/);
    await ann.getByLabel("Who can see your profile").selectOption("PUBLIC");
    await expect(badge("Bio")).toHaveText(/Everyone$/);
    await expect(badge("Birthday")).toHaveText(/Only you$/);
    await expect(badge("Phone")).toHaveText(/Only you$/);
    await ann.getByLabel("Name", { exact: true }).fill("Ann Applegate");
    await ann.getByLabel("Bio").fill("Keeps bees on the roof of the library.\nAsk me about heather honey.");
    await ann.getByLabel("Location").fill("Whitby");
    await ann.getByLabel("Website").fill("https://bees.example.org/");
    await ann.getByLabel("Birthday").fill("1988-04-12");
    await ann.getByLabel("Phone").fill("not a number");
    await ann.getByRole("button", { name: "Save" }).click();
    await expect(ann.getByLabel("Phone")).toHaveAccessibleDescription(/phone number/i);
    await ann.getByLabel("Phone").fill("+44 20 7946 0958");
    await ann.getByRole("button", { name: "Save" }).click();
    await expect(ann.getByText("Saved.")).toBeVisible();
    await ann.evaluate(() => scrollTo(0, 0));
    await look(ann, "profile-editor");
    await ann.getByRole("link", { name: "View profile" }).click();
    await expect(ann.getByText("12 April 1988")).toBeVisible();
    await expect(ann.getByText("+442079460958")).toBeVisible();
    await look(ann, "own-profile");
  });

  const bob = await anotherPage();
  await test.step("Bob signs up, and finds Ann in the list", async () => {
    await signUp(bob, "bob");
    await bob.goto("/");
    const anns = bob.getByRole("listitem").filter({ has: bob.locator(`a[href="/people/${username}"]`) });
    await look(bob, "people");
    await anns.getByRole("link", { name: "Ann Applegate" }).click();
    await expect(bob.getByRole("heading", { name: "Ann Applegate" })).toBeVisible();
    await expect(bob.getByText("Keeps bees on the roof")).toBeVisible();
  });

  await test.step("Bob sees neither what is Ann's alone, nor a button to change it", async () => {
    await expect(bob.getByText("Joined")).toBeVisible();
    const text = await bob.locator("main").innerText();
    expect(text).not.toContain("1988");
    expect(text).not.toContain("7946");
    expect(text).not.toContain("@example.org");
    await expect(bob.getByRole("link", { name: "Edit profile" })).toHaveCount(0);
    await look(bob, "profile");
  });

  await test.step("Bob's page sends the mutation anyway, and is refused", async () => {
    const { data } = await gql(bob, "query ($u: String!) { profile(username: $u) { id } }", { u: username });
    const mutation = "mutation ($i: UpdateProfileInput!) { updateProfile(input: $i) { profile { id } } }";
    const refused = await gql(bob, mutation, { i: { id: data.profile.id, displayName: "Mallory" } });
    expect(refused.data).toEqual({ updateProfile: null });
    expect(refused.errors?.map((e) => e.extensions.code)).toEqual(["FORBIDDEN"]);
    const email = await gql(bob, "query ($u: String!) { profile(username: $u) { birthday user { email } } }", { u: username });
    expect(email.data).toEqual({ profile: { birthday: null, user: { email: null } } });
    expect(email.errors?.map((e) => e.extensions.code)).toEqual(["FORBIDDEN", "FORBIDDEN"]);
  });

  await test.step("a reload keeps both sessions, and Ann's profile is as she left it", async () => {
    await bob.reload();
    await expect(bob.getByRole("link", { name: /^Your profile, bob/ })).toBeVisible();
    await expect(bob.getByRole("heading", { name: "Ann Applegate" })).toBeVisible();
    await ann.reload();
    await expectSignedIn(ann, username);
    await expect(ann.getByRole("heading", { name: "Ann Applegate" })).toBeVisible();
    await expect(ann.getByText("Mallory")).toHaveCount(0);
  });

  await test.step("the list grows as Bob scrolls", async () => {
    await bob.goto("/");
    const profiles = bob.getByRole("list", { name: "Profiles" }).getByRole("link");
    await expect(profiles.nth(10)).toBeVisible();
    await expect(async () => {
      await bob.mouse.wheel(0, 4000);
      expect(await profiles.count()).toBeGreaterThan(60);
    }).toPass();
    await expect(bob.getByRole("link", { name: "Amara Okafor" })).toBeVisible(); // who came first
    await expect(bob.getByRole("button", { name: "Show more" })).toHaveCount(0);
  });

  await test.step("the other pages", async () => {
    await ann.goto("/settings/account");
    await expect(ann.getByRole("button", { name: "Change password" })).toBeVisible();
    await look(ann, "account");
    await ann.goto("/settings/security");
    await expect(ann.getByText("Account created")).toBeVisible();
    await expect(ann.getByText("This device")).toBeVisible();
    await look(ann, "security");
    await ann.goto("/no/such/page");
    await expect(ann.getByRole("heading", { name: "This page was not found" })).toBeVisible();
    await look(ann, "not-found");
    await ann.goto("/people/nobody-at-all");
    await expect(ann.getByRole("heading", { name: "This profile was not found" })).toBeVisible();
  });

  await test.step("Ann signs out", async () => {
    await signOut(ann);
    await ann.goto("/settings");
    await expect(ann.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await look(ann, "sign-in");
    for (const [path, heading] of [["/forgot-password", "Choose a new password"], ["/sign-in-by-mail", "Sign in by mail"], ["/verify-email", "Verify your address"]] as const) {
      await ann.goto(path);
      await expect(ann.getByRole("heading", { name: heading })).toBeVisible();
      await expectAccessible(ann);
    }
  });
});
