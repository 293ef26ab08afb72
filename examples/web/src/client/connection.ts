// Whether the service can be reached. The browser knows when the device is offline; the last response says the rest.
import { useSyncExternalStore } from "react";

type Connection = "online" | "offline" | "unreachable";

let reachable = true;
const listeners = new Set<() => void>();

function set(value: boolean): void {
  if (reachable === value) return;
  reachable = value;
  for (const listener of listeners) listener();
}

export const reportReachable = (): void => set(true);
export const reportUnreachable = (): void => set(false);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("online", listener);
  addEventListener("offline", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("online", listener);
    removeEventListener("offline", listener);
  };
}

export function connection(): Connection {
  if (!navigator.onLine) return "offline";
  return reachable ? "online" : "unreachable";
}

export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, connection);
}
