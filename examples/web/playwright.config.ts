import { defineConfig, type Project } from "@playwright/test";

// The addresses come from the environment, as e2e/frontend sets them: CALM and ROUGH are the origins of two front ends. To run the specs
// against a front end of your own, set CALM to its address, CALM_SERVICE to that of its freehold, and select the project "once".
const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };
const stories: Project[] = Object.entries(sizes).flatMap(([size, viewport]) =>
  (["light", "dark"] as const).map((colorScheme) => ({
    name: `${size}-${colorScheme}`,
    testMatch: "story.spec.ts",
    use: { viewport, colorScheme },
  })),
);

export default defineConfig({
  testDir: "tests",
  outputDir: process.env.RESULTS ?? "test-results",
  fullyParallel: true,
  workers: 2,
  reporter: process.env.VERBOSE ? "list" : "line",
  timeout: 120_000,
  expect: { timeout: 20_000 },
  use: {
    baseURL: process.env.CALM ?? "http://localhost:5173",
    viewport: sizes.desktop,
    locale: "en-GB",
    trace: "off",
    launchOptions: { executablePath: process.env.CHROMIUM, chromiumSandbox: false, args: ["--disable-gpu", "--disable-quic", "--disable-component-update"] },
  },
  projects: [
    { name: "rough", testMatch: "rough.spec.ts", fullyParallel: false, use: { baseURL: process.env.ROUGH } },
    ...stories,
    { name: "once", testIgnore: ["story.spec.ts", "rough.spec.ts"] },
  ],
});
