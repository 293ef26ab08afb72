import { Suspense } from "react";
import { NavLink, Outlet } from "react-router";
import { Loading } from "../ui/loading";

export default function SettingsLayout() {
  return (
    <div className="settings">
      <nav aria-label="Settings" className="tabs">
        <NavLink to="profile">Profile</NavLink>
        <NavLink to="account">Account</NavLink>
        <NavLink to="security">Security</NavLink>
      </nav>
      <Suspense fallback={<Loading />}>
        <Outlet />
      </Suspense>
    </div>
  );
}
