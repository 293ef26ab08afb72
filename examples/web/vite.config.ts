import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Both servers pass /graphql on to freehold, so that the pages and the service have one origin, as cookies require.
const proxy = { "/graphql": { target: process.env.FREEHOLD_URL ?? "http://127.0.0.1:8080" } };

// Your production server should send the same headers. Mails link to pages with codes, which no other site may see.
const headers = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https:; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

export default defineConfig({
  plugins: [react()],
  server: { host: "127.0.0.1", strictPort: true, proxy },
  preview: { host: "127.0.0.1", strictPort: true, proxy, headers },
  build: { assetsInlineLimit: 0 }, // the policy does not allow data: URLs
});
