import type { ReactNode } from "react";
import { Navigate, Outlet, useLocation } from "react-router";
import { useSession } from "./session";

// Members are routes for signed-in users. Others sign in first, and come back.
export function Members() {
  const { viewer } = useSession();
  const location = useLocation();
  if (!viewer) return <Navigate to="/sign-in" replace state={{ next: location }} />;
  return <Outlet />;
}

// Visitors are routes for users who are not signed in. Once they are, they continue where they were going.
export function Visitors({ children }: { children?: ReactNode }) {
  const { viewer } = useSession();
  const { state } = useLocation();
  if (viewer) return <Navigate to={state?.next ?? "/"} replace state={state?.next?.state} />;
  return children ?? <Outlet />;
}
