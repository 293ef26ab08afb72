import { expect, expectSignedIn, password, test, unique } from "./helpers";
import type { Page } from "@playwright/test";

// tabTo presses a key until an element has the focus, and checks that the focus can be seen.
async function tabTo(page: Page, name: string, key = "Tab"): Promise<void> {
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press(key);
    const at = await page.evaluate(() => {
      const element = document.activeElement as HTMLInputElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element, element.matches(".card-name") ? "::after" : null);
      return { name: element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent, outline: `${outlineStyle} ${outlineWidth}` };
    });
    if (at.name?.trim() !== name) continue;
    expect(at.outline, `the focus on ${name}`).toBe("solid 2px");
    return;
  }
  throw new Error(`Tab does not reach ${name}`);
}

test("sign up and edit the profile with the keyboard alone", async ({ page }) => {
  const username = unique("kim");
  const type = (text: string) => page.keyboard.type(text);
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Luca Silva" })).toBeVisible();
  await tabTo(page, "Skip to content");
  await page.keyboard.press("Enter");
  await tabTo(page, "Create your account");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Create your account" })).toBeFocused();
  await tabTo(page, "Username");
  await type("x");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Username")).toBeFocused(); // the first field with an error
  await expect(page.getByLabel("Username")).toHaveAttribute("aria-invalid", "true");
  await page.keyboard.press("ControlOrMeta+A");
  await type(username);
  await tabTo(page, "Email");
  await type(`${username}@example.org`);
  await tabTo(page, "Password");
  await type(password);
  await page.keyboard.press("Enter");
  await expectSignedIn(page, username);

  await tabTo(page, `Your profile, ${username}`, "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByText(`@${username}`)).toBeVisible();
  await tabTo(page, "Edit profile");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Your profile" })).toBeFocused();
  await tabTo(page, "Who can see your profile");
  await page.keyboard.press("End"); // Everyone
  await expect(page.getByLabel("Who can see your profile")).toHaveValue("PUBLIC");
  await tabTo(page, "Name");
  await type("Kim Keys");
  await tabTo(page, "Bio");
  await type("No mouse.");
  await tabTo(page, "Save");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Saved.")).toBeVisible();
  await page.goto(`/people/${username}`);
  await expect(page.getByRole("heading", { name: "Kim Keys" })).toBeVisible();
  await expect(page.getByText("No mouse.")).toBeVisible();
});
