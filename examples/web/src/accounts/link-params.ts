import { useEffect, useState } from "react";
import { useLocation, useNavigate } from "react-router";

// useLinkParams returns the address and the code of a link in a mail, and removes them from the address bar. The page is not sent
// before the user confirms: programs that scan mails open links too.
export function useLinkParams(): { email: string; code: string } {
  const { pathname, search } = useLocation();
  const navigate = useNavigate();
  const [params] = useState(() => {
    const query = new URLSearchParams(search);
    return { email: query.get("email") ?? "", code: query.get("code") ?? "" };
  });
  useEffect(() => {
    if (search) void navigate(pathname, { replace: true });
  }, [search, pathname, navigate]);
  return params;
}
