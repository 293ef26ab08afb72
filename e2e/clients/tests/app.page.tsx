// A page with the code of docs/frontends.md, for a test in a browser: its functions are those of window.front.
import { Component, Suspense, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { RelayEnvironmentProvider } from "react-relay";
import { environment } from "../docs/environment";
import * as session from "../docs/session";
import "../docs/src/Member";
import { Birthday } from "../docs/src/Birthday";
import { Sessions } from "../docs/src/Sessions";
import { Strict } from "../docs/src/Strict";
import { updateProfile } from "../docs/src/update";

class Boundary extends Component<{ children: ReactNode }> {
  override state = { message: "" };
  static getDerivedStateFromError({ message }: Error) { return { message: `thrown: ${message}` }; }
  override render() { return this.state.message || this.props.children; }
}

const root = createRoot(document.body);
const show = (content: ReactNode) =>
  root.render(
    <RelayEnvironmentProvider environment={environment}>
      <Boundary key={Math.random()}><Suspense fallback="loading">{content}</Suspense></Boundary>
    </RelayEnvironmentProvider>,
  );

/** Waits until something is so. */
async function until(is: () => boolean) {
  for (let i = 0; i < 200 && !is(); i++) await new Promise((go) => setTimeout(go, 50));
  return is() || document.body.innerText;
}

function press(label: string, nth = 0) {
  const buttons = [...document.querySelectorAll("button")].filter(({ innerText }) => innerText === label);
  buttons[nth]!.click();
}

const request = { id: null, cacheID: "", name: "Me", operationKind: "query", metadata: {} } as const;

Object.assign(window, {
  front: {
    ...session,
    updateProfile,
    until,
    press,
    showSessions: () => show(<Sessions />),
    showBirthday: (username: string) => show(<Birthday username={username} />),
    showStrict: (username: string) => show(<Strict username={username} />),
    me: () => environment.getNetwork().execute({ ...request, text: "{ me { email } }" }, {}, {}).toPromise(),
  },
});
