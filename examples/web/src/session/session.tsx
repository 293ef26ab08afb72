// Who is signed in. The cookies are HttpOnly, so a page learns it from `me`: when it loads, when it becomes visible, when another tab
// says so, and when the service refuses something because the session has ended.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { Provider, useQuery } from "urql";
import { createClient } from "../client/client";
import { useConnection } from "../client/connection";
import { graphql } from "../generated/gql";
import type { MeQuery } from "../generated/gql/graphql";
import { Loading } from "../ui/loading";
import { onOtherTab, tellOtherTabs } from "./channel";

const Me = graphql(`
  query Me {
    me {
      id
      email
      emailVerified
      profile {
        id
        username
        displayName
        avatarUrl
      }
    }
  }
`);

export type Viewer = NonNullable<MeQuery["me"]>;

type Session = {
  viewer: Viewer | null;
  notice: string; // why the viewer is no longer signed in, or ""
  signedIn: () => void; // to call after a mutation that has set the cookies
  signedOut: (notice?: string) => void;
};

const Context = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("useSession outside of SessionProvider");
  return session;
}

// useViewer is for pages that only members reach.
export function useViewer(): Viewer {
  const { viewer } = useSession();
  if (!viewer) throw new Error("useViewer outside of Members");
  return viewer;
}

const ended = "Your session has ended. Sign in to continue.";

export function SessionProvider({ children }: { children: ReactNode }) {
  const [generation, setGeneration] = useState(0);
  const [notice, setNotice] = useState("");
  const recheck = useRef<() => void>(() => {});
  const client = useMemo(() => createClient(() => recheck.current()), [generation]);

  const restart = useCallback((why: string) => {
    setNotice(why);
    setGeneration((g) => g + 1);
  }, []);
  useEffect(() => onOtherTab((message) => restart(message === "signed out" ? "You signed out in another tab." : "")), [restart]);

  const signedIn = useCallback(() => {
    tellOtherTabs("signed in");
    restart("");
  }, [restart]);
  const signedOut = useCallback(
    (why = "") => {
      tellOtherTabs("signed out");
      restart(why);
    },
    [restart],
  );
  const changed = useCallback((isMember: boolean) => restart(isMember ? "" : ended), [restart]);

  return (
    <Provider value={client} key={generation}>
      <Watch recheck={recheck} changed={changed} notice={notice} signedIn={signedIn} signedOut={signedOut}>
        {children}
      </Watch>
    </Provider>
  );
}

type WatchProps = Omit<Session, "viewer"> & {
  recheck: { current: () => void };
  changed: (isMember: boolean) => void;
  children: ReactNode;
};

// Watch asks who the viewer is, and reports when that is no longer who it was.
function Watch({ recheck, changed, notice, signedIn, signedOut, children }: WatchProps) {
  const [{ data, error, fetching }, ask] = useQuery({ query: Me });
  const first = useRef<string | null | undefined>(undefined); // the id of the viewer
  const now = data && (data.me?.id ?? null);
  const busy = useRef(false);
  busy.current = fetching;

  useEffect(() => {
    if (now === undefined || fetching) return;
    if (first.current === undefined) first.current = now;
    else if (first.current !== now) changed(now !== null);
  }, [now, fetching, changed]);

  useEffect(() => {
    recheck.current = () => {
      // Me itself may be what was refused; then its result is on the way.
      if (!busy.current) ask({ requestPolicy: "network-only" });
    };
    const look = () => {
      if (document.visibilityState === "visible") ask({ requestPolicy: "network-only" });
    };
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [recheck, ask]);

  // The service was away. The client sends this query again until it is back, which also updates the banner.
  const connected = useConnection() === "online";
  useEffect(() => {
    if (!connected) ask({ requestPolicy: "network-only" });
  }, [connected, ask]);

  const session = useMemo<Session>(
    () => ({ viewer: data?.me ?? null, notice: notice || (error && data && !data.me ? ended : ""), signedIn, signedOut }),
    [data, error, notice, signedIn, signedOut],
  );
  if (!data) return <Loading />;
  return <Context value={session}>{children}</Context>;
}
