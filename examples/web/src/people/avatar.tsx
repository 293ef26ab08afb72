import { useState } from "react";

type Named = { username: string; displayName?: string | null; avatarUrl?: string | null };

// Avatar is the picture of a profile, or its first letter.
export function Avatar({ profile, small, large }: { profile: Named; small?: boolean; large?: boolean }) {
  const [broken, setBroken] = useState("");
  const size = small ? "avatar small" : large ? "avatar large" : "avatar";
  if (profile.avatarUrl?.startsWith("https:") && broken !== profile.avatarUrl) {
    return <img className={size} src={profile.avatarUrl} alt="" loading="lazy" onError={() => setBroken(profile.avatarUrl ?? "")} />;
  }
  return (
    <span className={size} aria-hidden="true">
      {[...(profile.displayName || profile.username)][0]?.toUpperCase()}
    </span>
  );
}
