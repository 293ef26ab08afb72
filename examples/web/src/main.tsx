import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { App } from "./app";
import { ReauthenticationProvider } from "./session/reauthenticate";
import { SessionProvider } from "./session/session";
import { loadPagesWhenIdle } from "./ui/lazy-page";
import "./styles/colours.css";
import "./styles/base.css";
import "./styles/forms.css";
import "./styles/layout.css";
import "./styles/people.css";
import "./styles/settings.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <BrowserRouter>
      <SessionProvider>
        <ReauthenticationProvider>
          <App />
        </ReauthenticationProvider>
      </SessionProvider>
    </BrowserRouter>
  </StrictMode>,
);
loadPagesWhenIdle();
