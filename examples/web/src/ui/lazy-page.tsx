import { type ComponentType, lazy } from "react";

type Load = () => Promise<{ default: ComponentType }>;

const loads: Load[] = [];

// lazyPage is a page that is loaded when it is opened, or before, while the browser is idle. So pages also open when the network is gone.
export function lazyPage(load: Load) {
  loads.push(load);
  return lazy(load);
}

export function loadPagesWhenIdle(): void {
  const idle = window.requestIdleCallback ?? ((callback: () => void) => setTimeout(callback, 1000)); // Safari
  idle(() => loads.forEach((load) => void load().catch(() => {}))); // who opens the page gets the error
}
