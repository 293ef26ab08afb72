import { Suspense, useState } from "react";
import { Link, NavLink, Outlet, useLocation, useNavigate } from "react-router";
import { useClient } from "urql";
import { useConnection } from "../client/connection";
import { formErrors } from "../client/errors";
import { graphql } from "../generated/gql";
import { Avatar } from "../people/avatar";
import { useSession } from "../session/session";
import { Broken } from "./broken";
import { Loading } from "./loading";

const SignOut = graphql(`
  mutation SignOut {
    signOut {
      success
    }
  }
`);

export function Shell() {
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="top">
        <div className="top-inner">
          <Link to="/" className="logo">
            freehold
          </Link>
          <Navigation />
        </div>
      </header>
      <ConnectionBanner />
      <main id="content" tabIndex={-1}>
        <Broken key={useLocation().pathname}>
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </Broken>
      </main>
    </>
  );
}

function Navigation() {
  const { viewer, signedOut } = useSession();
  const client = useClient();
  const navigate = useNavigate();
  const [failure, setFailure] = useState("");

  async function signOut() {
    setFailure("");
    const { error } = await client.mutation(SignOut, {}).toPromise();
    if (error) return setFailure(`You are still signed in. ${formErrors(error, () => false).message}`);
    await navigate("/");
    signedOut();
  }
  return (
    <nav aria-label="Main">
      <NavLink to="/" end>
        People
      </NavLink>
      {viewer ? (
        <>
          <NavLink to="/settings">Settings</NavLink>
          <button type="button" className="link" onClick={signOut}>
            Sign out
          </button>
          <Link to={`/people/${viewer.profile?.username}`} className="me" aria-label={`Your profile, ${viewer.profile?.username}`}>
            <Avatar profile={viewer.profile ?? { username: "?" }} small />
          </Link>
          {failure && (
            <p className="alert floating" role="alert">
              {failure}
            </p>
          )}
        </>
      ) : (
        <>
          <NavLink to="/sign-in">Sign in</NavLink>
          <Link to="/sign-up" className="button small">
            Sign up
          </Link>
        </>
      )}
    </nav>
  );
}

function ConnectionBanner() {
  const connection = useConnection();
  return (
    <div role="status" className="banner" hidden={connection === "online"}>
      {connection === "offline" && "You are offline. This page continues when you are back."}
      {connection === "unreachable" && "The service cannot be reached. Trying again…"}
    </div>
  );
}
