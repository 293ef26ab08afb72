import { type ReactNode, useEffect, useRef } from "react";
import { useLocation } from "react-router";

// Page has the title of the page, which gets the focus when the user comes from another page, so that screen readers announce it.
export function Page({ title, narrow, aside, children }: { title: string; narrow?: boolean; aside?: ReactNode; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const arrived = useLocation().key !== "default"; // from another page of this site
  useEffect(() => {
    document.title = `${title} · freehold`;
    if (arrived && (!document.activeElement || document.activeElement === document.body)) heading.current?.focus({ preventScroll: true });
  }, [title, arrived]);
  return (
    <div className={narrow ? "page narrow" : "page"}>
      <div className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {aside}
      </div>
      {children}
    </div>
  );
}
